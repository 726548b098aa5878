// lint.test.js - `twinsim lint` and the published schema agree: what one accepts the other accepts, and both ways round.
'use strict';
const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { promisify } = require('node:util');
const { binaries } = require('../support/hub.js');
const { readCommented, validate } = require('../support/json-schema.js');
const { temporary, twinsim } = require('../support/twinsim.js');

const run = promisify(execFile);
const ROOT = path.resolve(__dirname, '../..');
const FIXTURES = path.join(ROOT, 'fixtures/scenarios');
const schema = JSON.parse(fs.readFileSync(path.join(ROOT, 'fixtures/schema/scenario.schema.json')));
const include = { ...schema.definitions.include, definitions: schema.definitions };

const agent = { as: 'edge-1/m' };
const scenario = (more) => ({ name: 'n', agent, steps: [{ wait: '1s' }], ...more });
const steps = (...list) => scenario({ identities: { 'a/b': {} }, steps: list });
const match = (pattern) => steps({ expect: 'reported', match: pattern });

const calm = { description: 'd', vars: { calm: 1 }, aliases: { 'a.*': 'b.*' }, blocks: { 'be calm': [{ never: 'disconnected', for: '1s' }, { wait: '0s' }] } };

/** Good and bad documents by what they are about. */
const good = {
  'the shortest scenario': { name: 'n', steps: [{ wait: '1s' }] },
  'every top member': scenario({ $schema: 'x', description: 'd', identities: {}, vars: { a: 1 }, aliases: {}, timeout: '5s', hub: {} }),
  'identities in full': scenario({ identities: { 'edge-1': { status: 'disabled', tags: { a: 1 } }, 'edge-1/m': { twin: { desired: {} }, desired: { a: null }, keys: { primary: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=' } } } }),
  'odd but legal ids': scenario({ identities: { "a:b.c+d%_#*?!(),=@;$'-": {} } }),
  'a twin from a file': scenario({ identities: { e: { twin: 'twin.json' } } }),
  'an agent in full': scenario({ agent: { as: 'e/m', command: "node 'my agent.js' ${host}", args: ['-x', ''], env: { A: 'b', B: null }, files: { 'a/b.json': { x: 1 }, 't.txt': '' }, cwd: '${dir}', start: 'manual' } }),
  'variables of every type': scenario({ vars: { a: null, b_1: [1], _c: { d: 1 } } }),
  aliases: scenario({ aliases: { 'config.*': 'a.*.value', x: 'y.z', 'pre*': 'p.*.q' } }),
  'aliases from a file': scenario({ aliases: 'aliases.json' }),
  'a table': scenario({ each: [{ a: 'x', b: { c: 1 } }, { b: {}, a: 2 }], vars: { a: 1 }, steps: [{ desired: '${b}' }, { tags: '${b}' }, { replace: { desired: '${b}' } }, { expect: 'reported', match: '${b}', event: '${b}' }, { exec: 'echo ${a}' }] }),
  'a table for identities': scenario({ each: [{ b: {} }], identities: { x: { desired: '${b}', tags: '${b}' } } }),
  'an included file': scenario({ include: 'calm.json', steps: [{ do: 'be calm' }, { exec: 'echo ${calm}' }] }),
  'included files': scenario({ include: ['./calm.json', 'calm.json'], aliases: { 'a.*': 'x.*' }, vars: { calm: 1 } }),
  'hub options': scenario({ hub: { durability: 'power', tokenSkew: '2s', faultMessages: true } }),
  'every injection': steps({ desired: { a: 1 } }, { tags: {}, on: 'edge-1' }, { replace: {} }, { replace: { desired: {}, tags: {} } }, { replace: 'twin.json' }, { desired: {}, refused: 400 }, { desired: {}, refused: 400004 }),
  'every identity step': steps({ create: 'a/b', twin: {}, desired: {}, tags: {}, keys: {} }, { create: 'a', status: 'enabled' }, { disable: 'a' }, { enable: '${deviceId}' }, { delete: 'a/b', refused: 404 }, { rotateKey: 'a/b', key: 'swap' }, { rotateKey: 'a' }),
  'every target': steps(...['start', 'stop', 'kill', 'restart'].flatMap((kind) => [{ [kind]: 'agent' }, { [kind]: 'hub' }])),
  'every check': steps({ expect: 'connected', on: 'edge-1', event: { clean: true }, within: 'PT5S', save: { c: '$.conn' } }, { never: 'telemetry', for: '250ms', match: {} }, { twin: { reported: { a: 1 }, tags: {} }, within: '1m' }, { exit: 0 }, { exit: { $gt: 0 }, within: '2s' }, { log: 'ready' }, { log: { $regex: '^a' } }),
  'every kind of event': steps(...schema.definitions.eventKind.enum.map((kind) => ({ expect: kind }))),
  'a count': steps({ expect: 'telemetry', count: 3, within: '2s' }, { expect: 'reported', count: '${id}' }),
  exec: steps({ exec: 'true' }, { exec: ['sh', '-c', 'exit 3'], exit: 3, within: '1s' }, { exec: 'false', exit: { $ne: 0 } }),
  fault: steps({ fault: 'disconnect' }, { fault: 'disconnect', on: 'a/b' }),
  'every fault': steps(
    { fault: 'status', status: 429, body: 'empty' }, { fault: 'status', status: '${port}', operation: 'reported', body: { a: [1] } },
    { fault: 'lose', operation: 'desired', times: 0, for: '10s' }, { fault: 'delay', delay: '1s', operation: 'twin-get' }, { fault: 'hold' },
    { fault: 'duplicate', copies: 2, delay: 'PT1S' }, { fault: 'reorder', operation: 'desired' }, { fault: 'rid', how: 'missing' },
    { fault: 'version', by: -1 }, { fault: 'malform', how: 'metadata', operation: 'twin-get' }, { fault: 'throttle', rate: 0.5 }, { fault: 'throttle', tier: 'S1' },
    { fault: 'quota', messages: 0 }, { fault: 'disconnect', operation: 'subscribe', at: '2s' }, { fault: 'refuse', reason: 'expired' },
    { fault: 'clock-skew', by: '-2h' }, { fault: 'clock-skew', by: 'PT5M' }, { fault: 'expire' }, { fault: 'takeover', operation: 'telemetry' }),
  'every condition of a fault': steps({ fault: 'lose', on: 'edge-*/m', after: 2, every: 3, probability: 0.5, seed: 7, at: '1s', topic: '$iothub/#', times: 4, for: '1m' }),
  'a fault by a variable': scenario({ each: [{ type: 'rid', how: 'wrong' }], steps: [{ fault: '${type}', how: '${how}', on: '${id}' }] }),
  'simulated devices': steps({ connect: 'a' }, { connect: 'a/b', clean: false }, { connect: '${id}', clean: true, refused: true }, { leave: 'a' }, { leave: 'a/b', how: 'cut' },
    { report: { a: null }, on: 'a' }, { report: {}, on: 'a/b', refused: 400 }, { report: '${id}', on: 'a' }),
  'messages of every form': steps(...['text', '', 1, null, true, [1], {}, { a: { b: 1 } }, { base64: 'AA==' }, { base64: '' }, { base64: 1, b: 2 }].map((send) => ({ send, on: 'a' })),
    { send: {}, on: 'a', properties: { p: 'x', q: null }, system: { 'content-type': 'application/json', 'message-id': '1', '$.ce': 'utf-8' } }),
  'lanes side by side': steps({ parallel: [[{ wait: '1s' }], [{ expect: 'reported', save: { v: '$.version' } }, { exec: 'echo ${v}' }]] }, { exec: 'echo ${v}' }),
  'a block in a lane': scenario({ include: 'calm.json', steps: [{ parallel: [[{ do: 'be calm' }], [{ do: 'be calm' }, { wait: '0s' }]] }] }),
  'several agents': scenario({ agents: { left: { as: 'e/l' }, right: { as: 'e/r', command: 'x', start: 'manual' } }, steps: [{ start: 'right' }, { kill: 'left' }, { stop: 'agent' }, { exit: 0, of: 'left' }, { log: 'x', of: 'right' }, { exit: 0 }] }),
  'agents without an agent': { name: 'n', agents: { left: { as: 'e/l' } }, steps: [{ desired: {} }, { log: 'x' }, { restart: 'left' }] },
  'an order in time': steps({ expect: 'telemetry', notBefore: '1s' }, { expect: 'connected', count: 4, gaps: { grow: true, jitter: true, min: '1s', max: '${id}' } }, { expect: 'connected', count: 2, gaps: { min: '0s' } }, { expect: 'connected', count: '${id}', gaps: { grow: true } }),
  'an order in values': steps({ expect: 'reported', count: 2, increasing: '$.version', save: { a: 'b' } }),
  'a form': steps({ expect: 'telemetry', schema: 'schema.json' }, { expect: 'reported', schema: './schema.json', count: 3 }),
  usage: steps({ usage: { cpuMs: { $lt: 100 }, peakKb: 5, processes: '${id}' }, over: '2s', of: 'agent' }, { usage: { processes: 1 } }),
  'faults are cleared': steps({ clear: 'faults' }),
  'the clock': steps({ clock: 'freeze' }, { clock: 'resume' }, { clock: { advance: '1h' } }, { clock: { advance: '-PT5M' } }, { expect: 'clock' }),
  'saved variables': steps({ expect: 'reported', save: { v: '$.version' } }, { exec: 'echo ${v}' }),
  'own variables': scenario({ vars: { t: '1s' }, steps: [{ wait: '${t}' }] }),
  'an escaped variable': steps({ exec: 'echo $${v}' }),
  'every matcher': match({ a: { $gt: 1, $gte: '1' }, b: { $lt: 1 }, c: { $lte: 1 }, d: { $ne: null }, e: { $regex: 'x+' }, f: { $nocase: 'X' }, g: { $duration: 'P1W' }, h: { $type: 'integer' }, i: { $absent: true }, j: { $present: true }, k: { $any: [1, { $gt: 5 }] }, l: { $all: [{ m: { $ne: 1 } }] } }),
  'a matcher for all of it': match({ $any: [{ a: 1 }, { b: 2 }] }),
  'keys that look like matchers': match({ $version: 1, $metadata: {}, '$.ct': 'x' }),
  'lists and dots': match({ 'a.b': [1, { c: { $gt: 1 } }], d: [] }),
  durations: steps(...['0s', '1.5s', '250ms', '2m', '1h', '2d', 'PT1.5S', 'P1DT12H', 'P1Y2M3W4D', 'P1W', 'PT1H1M1S'].map((wait) => ({ wait }))),
};

const bad = {
  'not an object': [],
  'no name': { steps: [{ wait: '1s' }] },
  'an empty name': scenario({ name: '' }),
  'a name that is no text': scenario({ name: 1 }),
  'no steps': { name: 'n' },
  'an empty list of steps': steps(),
  'steps that are no list': scenario({ steps: {} }),
  'an unknown member': scenario({ stpes: [] }),
  'a wrong timeout': scenario({ timeout: '5' }),
  'an unknown hub option': scenario({ hub: { speed: 1 } }),
  'an unknown durability': scenario({ hub: { durability: 'solid' } }),
  'an id with a blank': scenario({ identities: { 'a b': {} } }),
  'an id of three parts': scenario({ identities: { 'a/b/c': {} } }),
  'an empty id': scenario({ identities: { '': {} } }),
  'an id that is too long': scenario({ identities: { ['x'.repeat(129)]: {} } }),
  'a status for a module': scenario({ identities: { 'a/b': { status: 'disabled' } } }),
  'an unknown status': scenario({ identities: { a: { status: 'off' } } }),
  'an unknown member of an identity': scenario({ identities: { a: { twins: {} } } }),
  'a twin that is a number': scenario({ identities: { a: { twin: 1 } } }),
  'a key that is no base64': scenario({ identities: { a: { keys: { primary: '???' } } } }),
  'an agent without an identity': scenario({ agent: {} }),
  'an agent that is a text': scenario({ agent: 'a/b' }),
  'an unknown member of the agent': scenario({ agent: { as: 'a/b', cmd: 'x' } }),
  'an empty command': scenario({ agent: { as: 'a/b', command: '' } }),
  'args in one text': scenario({ agent: { as: 'a/b', args: '-x' } }),
  'args that are numbers': scenario({ agent: { as: 'a/b', args: [1] } }),
  'an environment of numbers': scenario({ agent: { as: 'a/b', env: { A: 1 } } }),
  'an environment variable with =': scenario({ agent: { as: 'a/b', env: { 'A=B': '' } } }),
  'a file outside': scenario({ agent: { as: 'a/b', files: { '../x': '' } } }),
  'a file further outside': scenario({ agent: { as: 'a/b', files: { 'a/../../x': '' } } }),
  'a file from the root': scenario({ agent: { as: 'a/b', files: { '/etc/x': '' } } }),
  'a file that is a number': scenario({ agent: { as: 'a/b', files: { x: 1 } } }),
  'an unknown start': scenario({ agent: { as: 'a/b', start: 'later' } }),
  'a variable with a dash': scenario({ vars: { 'a-b': 1 } }),
  'a variable of the runner': scenario({ vars: { port: 1 } }),
  'an alias without a place': scenario({ aliases: { a: '' } }),
  'an alias to a number': scenario({ aliases: { a: 1 } }),
  'an alias with an empty key': scenario({ aliases: { a: 'b..c' } }),
  'a table without a row': scenario({ each: [] }),
  'a table that is an object': scenario({ each: { a: [1] } }),
  'a row that is a list': scenario({ each: [['a']] }),
  'a row of nothing': scenario({ each: [{}] }),
  'a row with a variable of the runner': scenario({ each: [{ port: 1 }] }),
  'a row with a wrong name in the second': scenario({ each: [{ a: 1 }, { 'a-b': 1 }] }),
  'a twin that is a variable': scenario({ vars: { a: {} }, steps: [{ twin: '${a}' }] }),
  'an include of nothing': scenario({ include: [] }),
  'an include that is an object': scenario({ include: { vars: {} } }),
  'an include from the root': scenario({ include: '/etc/calm.json' }),
  'an include of a number among others': scenario({ include: ['calm.json', 1] }),
  'a block that is a list': steps({ do: [{ wait: '1s' }] }),
  'a block with a member': scenario({ include: 'calm.json', steps: [{ do: 'be calm', within: '1s' }] }),
  'a step that is a text': steps('wait'),
  'an empty step': steps({}),
  'a misspelt step': steps({ wiat: '1s' }),
  'two steps in one': steps({ wait: '1s', kill: 'hub' }),
  'a step with a foreign member': steps({ wait: '1s', within: '2s' }),
  'a desired that is a list': steps({ desired: [] }),
  'a refusal that is none': steps({ desired: {}, refused: 200 }),
  'a refusal with a fraction': steps({ desired: {}, refused: 400.5 }),
  'a replacement of reported': steps({ replace: { reported: {} } }),
  'a module that is disabled': steps({ disable: 'a/b' }),
  'an unknown key': steps({ rotateKey: 'a', key: 'third' }),
  'an unknown event': steps({ expect: 'reportd' }),
  'an unknown member of expect': steps({ expect: 'reported', mach: {} }),
  'a count of nothing': steps({ expect: 'reported', count: 0 }),
  'a count with a fraction': steps({ expect: 'reported', count: 1.5 }),
  'a count that is a text': steps({ expect: 'reported', count: '3' }),
  'a count that is a range': steps({ expect: 'reported', count: { $lte: 2 } }),
  'a count of never': steps({ never: 'reported', count: 2, for: '1s' }),
  'a match that is a list': steps({ expect: 'reported', match: [] }),
  'a wrong within': steps({ expect: 'reported', within: 5 }),
  'a never without an end': steps({ never: 'telemetry' }),
  'a twin with an unknown section': steps({ twin: { reportd: {} } }),
  'a section that is a number': steps({ twin: { reported: 1 } }),
  'a wait without a unit': steps({ wait: '5' }),
  'a duration that is negative': steps({ wait: '-5s' }),
  'an unfinished duration': steps({ wait: 'PT' }),
  'a duration with an empty time': steps({ wait: 'P1DT' }),
  'a target that is a number': steps({ kill: 1 }),
  'an exit code beyond': steps({ exit: 256 }),
  'an exit code as text': steps({ exit: '0' }),
  'an empty log': steps({ log: '' }),
  'a log that is an object': steps({ log: { text: 'x' } }),
  'an exec of nothing': steps({ exec: [] }),
  'an exec of numbers': steps({ exec: ['a', 1] }),
  'an unknown fault': steps({ fault: 'gremlins' }),
  'a fault that is a number': steps({ fault: 1 }),
  'a fault with the member of another': steps({ fault: 'hold', delay: '1s' }),
  'a fault without what it needs': steps({ fault: 'status' }),
  'a fault where it cannot strike': steps({ fault: 'malform', how: 'array', operation: 'reported' }),
  'a fault at an unknown operation': steps({ fault: 'lose', operation: 'telemtry' }),
  'a fault with an unknown way': steps({ fault: 'rid', how: 'late' }),
  'a fault for a wrong time': steps({ fault: 'lose', for: 5 }),
  'a fault on three parts': steps({ fault: 'lose', on: 'a/b/c' }),
  'a fault every zeroth time': steps({ fault: 'lose', every: 0 }),
  'a fault with a fraction of times': steps({ fault: 'lose', times: 1.5 }),
  'a fault more probable than sure': steps({ fault: 'lose', probability: 2 }),
  'a version shifted by nothing': steps({ fault: 'version', by: 0 }),
  'a clock skew that is a number': steps({ fault: 'clock-skew', by: 60 }),
  'a body of a number': steps({ fault: 'status', status: 400, body: [1] }),
  'a throttle without a rate': steps({ fault: 'throttle' }),
  'a throttle with two rates': steps({ fault: 'throttle', rate: 1, tier: 'S1' }),
  'a throttle at nothing a second': steps({ fault: 'throttle', rate: 0 }),
  'a refusal for an unknown reason': steps({ fault: 'refuse', reason: 'mood' }),
  'a takeover of who is not there yet': steps({ fault: 'takeover', operation: 'connect' }),
  'more copies than anybody wants': steps({ fault: 'duplicate', copies: 101 }),
  'fault messages that are rather honoured': scenario({ hub: { faultMessages: 'rather' } }),
  'an unknown tier': steps({ fault: 'throttle', tier: 'S9' }),
  'a status that is none': steps({ fault: 'status', status: 42 }),
  'a connect of three parts': steps({ connect: 'a/b/c' }),
  'a connect that is refused with a code': steps({ connect: 'a', refused: 401 }),
  'a connect on somebody': steps({ connect: 'a', on: 'b' }),
  'a session that is rather clean': steps({ connect: 'a', clean: 'rather' }),
  'an unknown way to leave': steps({ leave: 'a', how: 'slowly' }),
  'a report of nobody': steps({ report: {} }),
  'a report that is a list': steps({ report: [], on: 'a' }),
  'a message of nobody': steps({ send: {} }),
  'a message that is no base64': steps({ send: { base64: 'A' }, on: 'a' }),
  'a property that is a number': steps({ send: {}, on: 'a', properties: { n: 1 } }),
  'a property without a name': steps({ send: {}, on: 'a', properties: { '': 'x' } }),
  'an unknown system property': steps({ send: {}, on: 'a', system: { 'content-typ': 'x' } }),
  'lanes that are an object': steps({ parallel: {} }),
  'no lanes': steps({ parallel: [] }),
  'an empty lane': steps({ parallel: [[{ wait: '1s' }], []] }),
  'a lane that is a step': steps({ parallel: [{ wait: '1s' }] }),
  'lanes within lanes': steps({ parallel: [[{ parallel: [[{ wait: '1s' }]] }]] }),
  'a mistake in a lane': steps({ parallel: [[{ wait: '1s' }], [{ wiat: '1s' }]] }),
  'too many lanes': steps({ parallel: Array.from({ length: 17 }, () => [{ wait: '0s' }]) }),
  'agents that are a list': scenario({ agents: [{ as: 'e' }] }),
  'agents of nobody': scenario({ agents: {} }),
  'an agent that is called hub': scenario({ agents: { hub: { as: 'e' } } }),
  'an agent with a number for a name': scenario({ agents: { 1: { as: 'e' } } }),
  'an agent among others without an identity': scenario({ agents: { left: {} } }),
  'gaps between nothing': steps({ expect: 'connected', gaps: { grow: true } }),
  'gaps of nothing': steps({ expect: 'connected', count: 4, gaps: {} }),
  'gaps that do not grow': steps({ expect: 'connected', count: 4, gaps: { grow: false } }),
  'growth of one gap': steps({ expect: 'connected', count: 2, gaps: { grow: true } }),
  'jitter of two gaps': steps({ expect: 'connected', count: 3, gaps: { jitter: true } }),
  'gaps with an unknown wish': steps({ expect: 'connected', count: 4, gaps: { shrink: true } }),
  'gaps within a number': steps({ expect: 'connected', count: 4, gaps: { max: 5 } }),
  'an order of one': steps({ expect: 'reported', count: 1, increasing: '$.version' }),
  'an order of nothing': steps({ expect: 'reported', increasing: '$.version' }),
  'an order at no place': steps({ expect: 'reported', count: 2, increasing: '' }),
  'an early never': steps({ never: 'reported', notBefore: '1s', for: '1s' }),
  'a form that is an object': steps({ expect: 'telemetry', schema: {} }),
  'usage of nothing': steps({ usage: {} }),
  'usage of something else': steps({ usage: { disk: 1 } }),
  'usage in words': steps({ usage: { cpuMs: 'little' } }),
  'usage with a bad matcher': steps({ usage: { cpuMs: { $lss: 1 } } }),
  'usage over a number': steps({ usage: { cpuMs: 1 }, over: 5 }),
  'a clear of something else': steps({ clear: 'all' }),
  'a clock that stops': steps({ clock: 'stop' }),
  'a clock that moves by nothing': steps({ clock: {} }),
  'a clock that moves by a number': steps({ clock: { advance: 5 } }),
  'a saved name with a dash': steps({ expect: 'reported', save: { 'a-b': '$.version' } }),
  'a saved place that is empty': steps({ expect: 'reported', save: { a: '' } }),
  'an unknown matcher': match({ a: { $regx: 'x' } }),
  'a matcher with a key beside it': match({ a: { $gt: 1, $x: 2 } }),
  'a matcher of true': match({ a: { $gt: true } }),
  'an unknown type': match({ a: { $type: 'text' } }),
  'an absent that is false': match({ a: { $absent: false } }),
  'an empty choice': match({ a: { $any: [] } }),
  'a choice that is no list': match({ a: { $all: 1 } }),
  'a bad matcher inside a choice': match({ a: { $any: [{ $nocase: 1 }] } }),
  'a bad matcher in a list': match({ a: [{ $duration: 'soon' }] }),
  'an empty key': match({ '': 1 }),
};

/** What needs more than a schema: lint alone refuses it. */
const lintOnly = {
  'a variable that nobody set': steps({ exec: 'echo ${nobody}' }),
  'a variable that is saved later': steps({ exec: 'echo ${v}' }, { expect: 'reported', save: { v: '$.version' } }),
  'an unclosed variable': steps({ exec: 'echo ${v' }),
  'an unclosed quote': steps({ exec: "echo 'x" }),
  'an expression that is none': match({ a: { $regex: '(' } }),
  'a twin file that is not there': scenario({ identities: { e: { twin: 'nowhere.json' } } }),
  'an alias file that is not there': scenario({ aliases: 'nowhere.json' }),
  'two names for one place': scenario({ aliases: { a: 'b.c' }, steps: [{ desired: { a: 1, b: { c: 2 } } }] }),
  'a row with a name less': scenario({ each: [{ a: 1, b: 1 }, { a: 1 }] }),
  'a row with a name more': scenario({ each: [{ a: 1 }, { a: 1, b: 1 }] }),
  'a change by a variable that nobody has': steps({ desired: '${change}' }),
  'an included file that is not there': scenario({ include: 'nowhere.json' }),
  'a block that nobody has': steps({ do: 'be calm' }),
  'a misspelt block': scenario({ include: 'calm.json', steps: [{ do: 'be clam' }] }),
  'an alias of an included file for a place given already': scenario({ include: 'calm.json', steps: [{ desired: { 'a.x': 1, b: { x: 2 } } }] }),
  'nobody to act on in a lane': { name: 'n', steps: [{ parallel: [[{ desired: {} }]] }] },
  'a fault on a topic filter that is too long': steps({ fault: 'lose', topic: 'x'.repeat(4097) }),
  'a form that is not there': steps({ expect: 'telemetry', schema: 'nowhere.json' }),
  'usage of an agent that nobody knows': steps({ usage: { cpuMs: 1 }, of: 'x' }),
  'a variable of no lane': steps({ parallel: [[{ exec: 'echo ${nobody}' }]] }),
  'an unknown target': steps({ kill: 'broker' }),
  'an agent that nobody knows': scenario({ agents: { left: { as: 'e/l' } }, steps: [{ exit: 0, of: 'lefd' }] }),
  'two agents of one name': scenario({ agents: { agent: { as: 'e/l' } } }),
  'an agent where none is called so': { name: 'n', agents: { left: { as: 'e/l' } }, steps: [{ stop: 'agent' }] },
  'nobody to act on': { name: 'n', steps: [{ desired: {} }] },
  'an end without an agent': { name: 'n', steps: [{ exit: 0 }] },
  'two stars': scenario({ aliases: { 'a.*': '*.*' } }),
};

/** Lint a table of documents at once; resolves to the problems of each by its name. */
async function lintAll(t, table) {
  const dir = temporary(t);
  fs.writeFileSync(path.join(dir, 'twin.json'), '{"desired":{}}');
  fs.writeFileSync(path.join(dir, 'aliases.json'), '{"a.*":"b.*"}');
  fs.writeFileSync(path.join(dir, 'calm.json'), JSON.stringify(calm));
  fs.writeFileSync(path.join(dir, 'schema.json'), '{"type":"object"}');
  const names = Object.keys(table);
  const files = names.map((name, i) => path.join(dir, `${i}.jsonc`));
  names.forEach((name, i) => fs.writeFileSync(files[i], JSON.stringify(table[name], null, 1)));
  const { code, stderr } = await twinsim('lint', ...files);
  const lines = stderr.trim().split('\n');
  return { code, problems: Object.fromEntries(names.map((name, i) => [name, lines.filter((line) => line.startsWith(`${files[i]}:`))])) };
}

test('every fixture is good for lint and for the schema', async () => {
  const { code, stdout, stderr } = await twinsim('lint', FIXTURES);
  assert.equal(stderr, '');
  assert.equal(code, 0);
  assert.match(stdout, /^\d+ scenarios, no problems\n$/);
  const files = fs.readdirSync(FIXTURES).filter((area) => area !== 'include').flatMap((area) => fs.readdirSync(path.join(FIXTURES, area)).map((file) => path.join(area, file)));
  assert.ok(files.length >= 15);
  for (const file of files) assert.deepEqual(validate(schema, readCommented(fs.readFileSync(path.join(FIXTURES, file), 'utf8'))), [], file);
});

test('what is good is good for both', async (t) => {
  const { code, problems } = await lintAll(t, good);
  for (const name of Object.keys(good)) {
    assert.deepEqual(problems[name], [], name);
    assert.deepEqual(validate(schema, good[name]), [], name);
  }
  assert.equal(code, 0);
});

test('what is bad is bad for both, and lint says where', async (t) => {
  const { code, problems } = await lintAll(t, bad);
  assert.equal(code, 3);
  for (const name of Object.keys(bad)) {
    assert.ok(problems[name].length > 0, `lint refuses ${name}`);
    assert.match(problems[name][0], /^[^:]+:\d+:\d+: ./, name);
    assert.ok(validate(schema, bad[name]).length > 0, `the schema refuses ${name}`);
  }
});

test('what only a reader of the whole file can see is bad for lint', async (t) => {
  const { code, problems } = await lintAll(t, lintOnly);
  assert.equal(code, 3);
  for (const name of Object.keys(lintOnly)) {
    assert.ok(problems[name].length > 0, `lint refuses ${name}`);
    assert.deepEqual(validate(schema, lintOnly[name]), [], name);
  }
});

test('what is wrong in an included file is told with its place there, by both', async (t) => {
  const rows = [ // the file, what lint says of it, and whether the schema can know
    [[], /:1:1: inc\.json holds no JSON object|holds no JSON object/, true],
    [{ identities: {} }, /inc\.json:2:2: an included file has no 'identities'/, true],
    [{ var: {} }, /inc\.json:2:2: an included file has no 'var'; did you mean 'vars'\?/, true],
    [{ vars: { port: 1 } }, /inc\.json:3:3: 'port' is given by the runner/, true],
    [{ aliases: 'x.json' }, /inc\.json:2:13: 'aliases' is an object/, true],
    [{ aliases: { a: 1 } }, /inc\.json:3:8: the alias 'a' stands for a path/, true],
    [{ blocks: { a: [] } }, /inc\.json:3:8: the block 'a' is a list of steps, not empty/, true],
    [{ blocks: { a: [{ wiat: '1s' }] } }, /inc\.json:5:5: no step is called 'wiat'; did you mean 'wait'\?/, true],
    [{ blocks: { a: [{ do: 'a' }] } }, /inc\.json:4:4: a block does not do another/, true],
    [{ blocks: { a: [{ exec: '${calm}' }] } }, /inc\.json:5:13: no variable is called 'calm' at this point/, false],
  ];
  for (const [content, says, schemaKnows] of rows) {
    const dir = temporary(t);
    fs.writeFileSync(path.join(dir, 'inc.json'), JSON.stringify(content, null, 1));
    fs.writeFileSync(path.join(dir, 's.jsonc'), JSON.stringify({ name: 'n', include: 'inc.json', steps: [content.blocks?.a.length ? { do: 'a' } : { wait: '1s' }] }));
    const { code, stderr } = await twinsim('lint', path.join(dir, 's.jsonc'));
    assert.equal(code, 3);
    assert.match(stderr, says);
    assert.equal(stderr.trim().split('\n').length, 1, stderr);
    assert.equal(validate(include, content).length > 0, schemaKnows, JSON.stringify(content));
  }
  assert.deepEqual(validate(include, calm), []);
  assert.deepEqual(validate(include, readCommented(fs.readFileSync(path.join(FIXTURES, 'include/complaint.jsonc'), 'utf8'))), []);
});

test('a mistake in a JSON Schema is told with its place there', async (t) => {
  const dir = temporary(t);
  fs.writeFileSync(path.join(dir, 'form.json'), '{"type":"object",\n "propertys":{}}');
  fs.writeFileSync(path.join(dir, 's.jsonc'), JSON.stringify(steps({ expect: 'telemetry', schema: 'form.json' })));
  const { code, stderr } = await twinsim('lint', path.join(dir, 's.jsonc'));
  assert.equal(code, 3);
  assert.match(stderr, /form\.json:2:\d+: .*'propertys'/);
});

test('whatever member is added to a good scenario is refused by both', async (t) => {
  const strange = {};
  const plant = (node, at, root) => {
    if (typeof node !== 'object' || node === null) return;
    if (!Array.isArray(node) && /^(\/hub|\/agent|\/steps\/\d+|\/identities\/[^/]+(\/m)?)?$/.test(at)) {
      node.zzz = 1;
      strange[`a member at ${at || '/'}`] = JSON.parse(JSON.stringify(root));
      delete node.zzz;
    }
    for (const key of Object.keys(node)) plant(node[key], `${at}/${key}`, root);
  };
  for (const name of ['every injection', 'every check', 'every identity step', 'hub options', 'identities in full', 'exec', 'every fault', 'simulated devices', 'usage', 'an order in time', 'the clock', 'every target']) {
    const copy = JSON.parse(JSON.stringify(good[name]));
    plant(copy, '', copy);
  }
  const { problems } = await lintAll(t, strange);
  for (const name of Object.keys(strange)) {
    assert.equal(problems[name].length, 1, `lint refuses ${name} with one line: ${problems[name]}`);
    assert.match(problems[name][0], /zzz/);
    assert.ok(validate(schema, strange[name]).length > 0, `the schema refuses ${name}`);
  }
});

test('lint runs nothing, and says so of what is not there', async (t) => {
  const dir = temporary(t);
  const proof = path.join(dir, 'proof');
  fs.writeFileSync(path.join(dir, 's.json'), JSON.stringify({ name: 'n', agent: { as: 'a/b', command: `touch ${proof}` }, steps: [{ exec: `touch ${proof}` }] }));
  assert.equal((await twinsim('lint', dir)).code, 0);
  assert.ok(!fs.existsSync(proof));
  for (const nothing of [path.join(dir, 'no.json'), '/dev/null/x']) {
    const { code, stderr } = await twinsim('lint', nothing);
    assert.equal(code, 3);
    assert.match(stderr, /there is no such file/);
  }
});

test('a scenario may come through a pipe; one that nobody writes to is told after a moment', async (t) => {
  const dir = temporary(t);
  const file = path.join(dir, 'good.jsonc');
  fs.writeFileSync(file, JSON.stringify(scenario({})));
  const piped = await run('sh', ['-c', 'cat good.jsonc | "$0" lint /dev/stdin && mkfifo quiet && "$0" lint quiet || echo "ended with $?"', path.join(binaries(), 'twinsim')], { cwd: dir });
  assert.deepEqual([piped.stdout, piped.stderr], ['1 scenario, no problems\nended with 3\n', 'quiet:1:1: cannot be read: Broken pipe\n']);
});
