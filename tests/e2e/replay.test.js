// replay.test.js - `twinsim replay` and `twinsim scenario from`: the same again, the first difference, and a scenario out of a recording.
'use strict';
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { binaries } = require('../support/hub.js');
const { finish, runScenario, workshop } = require('../support/runner.js');
const { Running, twinsim } = require('../support/twinsim.js');

const TINY = `node ${path.resolve(__dirname, '../support/tiny-agent.js')}`;
const agent = { as: 'edge-1/m' };
const changes = [{ log: 'listening' }, { desired: { a: 1 } }, { expect: 'reported' }, { desired: { a: 2, b: 'x' } }, { expect: 'reported' }, { desired: { a: 3 } }, { expect: 'reported' }];

/** Record a scenario with the tiny agent; resolves to the workshop and the recording's file. */
async function record(t, scenario, what, ...args) {
  const shop = await runScenario(t, { name: 'recorded', agent, ...scenario }, ...(what ? ['--agent', `${TINY} ${what}`] : []), '--record', '@DIR/rec', ...args);
  assert.equal(shop.code, 0, shop.stdout);
  return { ...shop, recording: path.join(shop.dir, 'rec/s.jsonl') };
}

async function replay(shop, ...args) {
  const done = await finish(new Running(['replay', shop.recording, ...args], { env: shop.env }));
  assert.deepEqual(shop.left(), [], 'nothing stays behind');
  return done;
}

test('the same agent does the same again, as fast as it can and at the recorded pace', async (t) => {
  const shop = await record(t, { identities: { 'edge-1/m': { desired: { text: 'a ${x} and $${y}' }, tags: { t: 1 } } }, vars: { x: 1 },
    steps: [...changes, { wait: '700ms' }, { fault: 'disconnect' }, { expect: 'disconnected' }, { stop: 'agent' }, { start: 'agent' }, { log: 'listening' }, { desired: { a: 4 } }, { expect: 'reported' }] }, 'echo');
  const begin = Date.now();
  const fast = await replay(shop);
  const took = Date.now() - begin;
  assert.deepEqual([fast.code, fast.stdout], [0, `same  ${shop.recording}\n`], fast.stderr);
  const paced = await replay(shop, '--pace', 'recorded');
  assert.equal(paced.code, 0, paced.stdout);
  assert.ok(Date.now() - begin - took > 700, 'the recorded pause was kept');
});

test('methods are called again, their answers are compared, and the draft calls them, too', async (t) => {
  const shop = await record(t, { identities: { d: {} }, steps: [{ log: 'listening' }, { answer: 'reboot', on: 'd', status: 202, payload: { ok: true } }, { method: 'reboot', on: 'd', payload: { in: 1 } }, { method: 'away', on: 'edge-1', refused: 404103 }] }, 'echo');
  const again = await replay(shop);
  assert.deepEqual([again.code, again.stdout], [0, `same  ${shop.recording}\n`], again.stderr);
  const text = fs.readFileSync(shop.recording, 'utf8');
  fs.writeFileSync(shop.recording, text.replace('"answer":"reboot","on":"d","status":202', '"answer":"reboot","on":"d","status":203'));
  const other = await replay(shop);
  assert.equal(other.code, 1, other.stdout);
  assert.match(other.stdout, /d methods[\s\S]*status: expected 202, got 203/);
  const drafted = await twinsim('scenario', 'from', shop.recording);
  assert.match(drafted.stdout, /\{ "method": "reboot", "payload": \{ "in": 1 \}, "within": "5s", "on": "d" \}/);
  assert.match(drafted.stdout, /\{ "method": "away", "within": "5s", "on": "edge-1", "refused": 404 \}/);
});

for (const [name, what, entry, meaning, difference] of [
  ['one changed value', `report '{"a":1}' '{"a":2,"b":"y"}' '{"a":3}'`, 2, 'what was expected came with other values', 'patch.b: expected "x", got "y"'],
  ['a missing patch', `report '{"a":1}' '{"a":3}'`, 2, 'the expected one is missing: what came is the one that follows it', 'patch.a: expected 2, got 3'],
  ['an extra patch', `report '{"a":1}' '{"a":2,"b":"x"}' '{"a":2,"b":"x"}' '{"a":3}'`, 3, 'what came is one too many: the expected one follows it', 'patch.a: expected 3, got 2'],
  ['a swapped pair', `report '{"a":1}' '{"a":3}' '{"a":2,"b":"x"}'`, 2, 'two entries are swapped', 'patch.a: expected 2, got 3'],
]) {
  test(`an agent with ${name} is noticed at the first difference`, async (t) => {
    const shop = await record(t, { steps: [{ expect: 'reported', count: 3 }] }, `report '{"a":1}' '{"a":2,"b":"x"}' '{"a":3}'`);
    const { code, stdout } = await replay(shop, '--agent', `${TINY} ${what}`);
    assert.equal(code, 1, stdout);
    assert.ok(stdout.startsWith(`differs  ${shop.recording}: edge-1/m twin, entry ${entry}: ${meaning}\n`), stdout);
    assert.ok(stdout.includes(`\n  ${difference}\n`), stdout);
    assert.match(stdout, /^ {2}\S+s\.jsonl:\d+: recorded after \d+\.\d{3} s$/m);
    assert.match(stdout, /^ {4}- \{.*"a":[23]/m);
    assert.match(stdout, /^ {4}\+ \{.*"a":[23]/m);
    const told = JSON.parse((await replay(shop, '--json', '--agent', `${TINY} ${what}`)).stdout);
    assert.deepEqual([told.verdict, told.difference.group, told.difference.index, told.difference.meaning], ['differs', 'edge-1/m twin', entry - 1, meaning]);
  });
}

for (const [how, entry, says] of [['change', 2, 'came with other values'], ['drop', 2, 'it is missing: nothing like it came'], ['twice', 3, '']]) {
  test(`an agent that answers one change otherwise (${how}) is noticed while it goes on`, async (t) => {
    const shop = await record(t, { steps: changes }, 'echo');
    const { code, stdout } = await replay(shop, '--agent', `${TINY} echo ${how}`);
    assert.equal(code, 1, stdout);
    assert.ok(stdout.includes(`edge-1/m twin, entry ${entry}: `) && stdout.includes(says), stdout);
  });
}

test('an agent that does nothing more is told what is missing', async (t) => {
  const shop = await record(t, { steps: changes }, 'echo');
  const { code, stdout } = await replay(shop, '--agent', `${TINY} report`, '--timeout', '40s');
  assert.equal(code, 1, stdout);
  assert.match(stdout, /^differs .*: edge-1\/m connection, entry 2: it is missing: nothing like it came$/m);
});

test('an agent that does more at the end is told what is too much', async (t) => {
  const shop = await record(t, { steps: [{ expect: 'reported', match: { a: 1 } }] }, `report '{"a":1}'`);
  const { code, stdout } = await replay(shop, '--agent', `${TINY} report '{"a":1}' '{"b":2}'`);
  assert.equal(code, 1, stdout);
  assert.match(stdout, /^differs .*: edge-1\/m twin, entry 2: it is one too many: nothing more was recorded here$/m);
});

test('an agent that ends otherwise than it did is noticed', async (t) => {
  const shop = await record(t, { steps: [{ exit: 0 }] }, null, '--agent', 'true');
  assert.equal((await replay(shop)).code, 0);
  const { code, stdout } = await replay(shop, '--agent', 'false');
  assert.equal(code, 1, stdout);
  assert.match(stdout, /edge-1\/m process, entry 1: what was expected came with other values/);
  assert.match(stdout, /^ {2}exit: expected 0, got 1$/m);
});

test('an agent that failed and was started again does so again', async (t) => {
  const shop = await record(t, { steps: [{ exit: 3 }, { start: 'agent' }, { exit: 3 }] }, null, '--agent', 'sh -c "exit 3"');
  const { code, stdout } = await replay(shop);
  assert.equal(code, 0, stdout);
});

test('identities, keys, the hub, programs, simulated devices and faults happen again', async (t) => {
  const shop = await record(t, { identities: { 'edge-1/m': { keys: { primary: Buffer.alloc(32, 7).toString('base64'), secondary: Buffer.alloc(32, 8).toString('base64') } } }, steps: [
    { log: 'listening' }, { create: 'late', status: 'disabled' }, { create: 'late', refused: 409 }, { enable: 'late' }, { disable: 'late' }, { delete: 'late' },
    { replace: { desired: { r: 1 }, tags: { x: '$${no}' } } }, { expect: 'reported' }, { tags: { x: null } }, { exec: ['sh', '-c', 'test -d "$0"', '${work}'] },
    { create: 'friend' }, { report: { f: 1 }, on: 'friend' }, { send: { hello: 'there' }, on: 'friend' }, { leave: 'friend' },
    { fault: 'status', operation: 'reported', status: 429 }, { desired: { a: 1 } }, { expect: 'reported', event: { status: 429 } },
    { rotateKey: 'edge-1/m' }, { restart: 'agent' }, { log: 'listening' }, { stop: 'agent' }, { kill: 'hub' }, { start: 'hub' }, { start: 'agent' }, { log: 'listening' }, { desired: { a: 2 } }, { expect: 'reported' }] }, 'echo');
  const { code, stdout } = await replay(shop);
  assert.equal(code, 0, stdout);
});

test('several agents, and lanes side by side, happen again; and it is said which of them differs', async (t) => {
  const shop = await record(t, { agent: undefined, agents: {
    one: { as: 'edge-1/m', command: `${TINY} echo` }, two: { as: 'edge-2', command: TINY, args: ['echo'], start: 'manual' }, three: { as: 'edge-3', command: 'sh -c "exit 3"', start: 'manual' } }, steps: [
    { log: 'listening', of: 'one' }, { start: 'two' }, { log: 'listening', of: 'two' }, { start: 'three' }, { exit: 3, of: 'three' },
    { parallel: [[{ desired: { a: 1 } }, { expect: 'reported' }], [{ desired: { b: 1 }, on: 'edge-2' }, { expect: 'reported', on: 'edge-2' }]] }, { restart: 'two' }, { log: 'listening', of: 'two' }, { desired: { b: 2 }, on: 'edge-2' }, { expect: 'reported', on: 'edge-2' }] });
  const { code, stdout } = await replay(shop);
  assert.equal(code, 0, stdout);
  fs.writeFileSync(shop.recording, fs.readFileSync(shop.recording, 'utf8').replace('"args":["echo"]', '"args":["echo","text"]'));
  const other = await replay(shop);
  assert.equal(other.code, 1, other.stdout);
  assert.match(other.stdout, /edge-2 twin, entry 1: .*\n[^]*patch\.b: expected 1, got "1"/);
  const drafted = path.join(shop.dir, 'drafted.jsonc');
  assert.equal((await twinsim('scenario', 'from', shop.recording, '--out', drafted)).code, 0);
  assert.equal((await twinsim('lint', drafted)).code, 0);
  for (const step of ['{ "start": "two" }', '{ "exit": 3, "of": "three" }', '{ "desired": { "b": 2 }, "on": "edge-2" }', '{ "restart": "two" }']) assert.ok(fs.readFileSync(drafted, 'utf8').includes(step), step);
});

test('a recording that is no more, that is none, or holds what no scenario may, is refused with exit code 3', async (t) => {
  const shop = workshop(t, { name: 'unused', steps: [{ wait: '0s' }] });
  const file = path.join(shop.dir, 'r.jsonl');
  const header = { recording: 1, scenario: 's', file: 's', dir: '/', seed: '1', hub: {}, agents: {} };
  const cases = [
    [null, /r\.jsonl: not found/],
    ['hello\n', /r\.jsonl:1:1: not JSON/],
    [`${JSON.stringify({ ...header, recording: 7, twinsim: '9.9' })}\n`, /a recording of format 7, written by twinsim 9\.9/],
    [`${JSON.stringify(header)}\n`, /r\.jsonl:1: the recording is cut behind this line.*--cut/],
    [`${JSON.stringify({ ...header, hub: { colour: 'red' } })}\n{"offset_us":1,"verdict":"passed"}\n`, /r\.jsonl: it holds what no scenario may: the hub has no 'colour'/],
    [`${JSON.stringify(header)}\n{"offset_us":1,"command":{"command":"hub.dance"}}\n{"offset_us":1,"verdict":"passed"}\n`, /r\.jsonl:2: there is no step that sends the command 'hub\.dance'/],
  ];
  for (const [text, says] of cases) {
    if (text !== null) fs.writeFileSync(file, text);
    const { code, stderr } = await twinsim('replay', file);
    assert.equal(code, 3, stderr);
    assert.match(stderr, says);
  }
  assert.equal((await twinsim('replay', file, '--pace', 'slow')).code, 2);
});

test('the reference agent does the same again, and its recording is a scenario that it passes', async (t) => {
  const shop = await record(t, { agent: { as: 'edge-1/azureiotsecurity' }, identities: { 'edge-1/azureiotsecurity': { twin: path.resolve(__dirname, '../../fixtures/twins/security-default.json') } }, steps: [
    { expect: 'reported' }, { fault: 'disconnect' }, { desired: { 'ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration': { highPriorityMessageFrequency: { value: 'PT2M' } } } }, { expect: 'reported' },
    { disable: 'edge-1' }, { expect: 'refused', within: '10s' }, { enable: 'edge-1' }, { expect: 'connected', within: '10s' }, { expect: 'twin-get' }] }, null, '--agent', path.join(binaries(), 'security-agent'));
  const again = await replay(shop);
  assert.equal(again.code, 0, again.stdout);
  const drafted = path.join(shop.dir, 'drafted.jsonc');
  const { code, stdout, stderr } = await twinsim('scenario', 'from', shop.recording, '--out', drafted);
  assert.deepEqual([code, stdout], [0, ''], stderr);
  assert.equal((await twinsim('scenario', 'from', shop.recording)).stdout, fs.readFileSync(drafted, 'utf8'));
  const text = fs.readFileSync(drafted, 'utf8');
  for (const step of ['{ "expect": "refused", "event": { "reason": ', '{ "fault": "disconnect" }', '{ "disable": "edge-1" }', '"highPriorityMessageFrequency": { "value": "PT2M" }']) assert.ok(text.includes(step), `${step} in ${text}`);
  assert.equal((await twinsim('lint', drafted)).code, 0);
  const run = await finish(new Running(['run', drafted], { env: shop.env }));
  assert.equal(run.code, 0, run.stdout);
  fs.writeFileSync(drafted, text.replaceAll('"PT2M"', '"PT3M"').replace('{ "desired": { "ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration": { "highPriorityMessageFrequency": { "value": "PT3M" }', '{ "desired": { "ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration": { "highPriorityMessageFrequency": { "value": "PT2M" }'));
  const red = await finish(new Running(['run', drafted], { env: shop.env }));
  assert.equal(red.code, 1, 'it holds the agent to its values');
});
