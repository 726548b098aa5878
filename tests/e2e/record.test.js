// record.test.js - `twinsim run --record`: what a recording holds, when it is written, and what it never holds.
'use strict';
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { finish, runScenario, workshop } = require('../support/runner.js');
const { Running, twinsim } = require('../support/twinsim.js');

const TINY = `node ${path.resolve(__dirname, '../support/tiny-agent.js')}`;
const agent = { as: 'edge-1/m' };
const lines = (dir, name = 's.jsonl') => fs.readFileSync(path.join(dir, 'rec', name), 'utf8').trim().split('\n').map((line) => JSON.parse(line));

test('a recording holds who was there, every event and every action in order, and the verdict', async (t) => {
  const { dir, code, stdout } = await runScenario(t, {
    name: 'all of it', vars: { one: 1 }, hub: { durability: 'memory' },
    identities: { 'edge-1/m': { desired: { a: '${one}' }, tags: { t: true } }, off: { status: 'disabled' } },
    agent: { ...agent, args: ['${work}', '${one}'], env: { MINE: '$${x} ${host}' }, files: { 'a.json': { key: '${key}' } } },
    steps: [{ log: 'listening' }, { desired: { b: 2 } }, { expect: 'reported' }, { create: 'late', keys: { primary: Buffer.alloc(32, 7).toString('base64'), secondary: Buffer.alloc(32, 8).toString('base64') } }, { create: 'late', refused: 409 },
      { exec: ['true', '${work}'] }, { restart: 'agent' }, { log: 'listening' }, { report: { 'short.x': 3 }, on: 'late' }, { leave: 'late' }], aliases: { 'short.*': 'a.*.b' },
  }, '--agent', `${TINY} echo`, '--record', '@DIR/rec', '--seed', '9');
  assert.equal(code, 0, stdout);
  const [header, ...rest] = lines(dir);
  assert.deepEqual(header, {
    recording: 1, scenario: 'all of it', file: path.join(dir, 's.jsonc'), dir, row: 0, seed: '9', twinsim: header.twinsim, hub: { durability: 'memory' },
    agents: { agent: { as: 'edge-1/m', args: ['${work}', '1'], env: { MINE: '$${x} ${host}' }, files: { 'a.json': { key: '${key}' } }, command: ['node', path.resolve(__dirname, '../support/tiny-agent.js'), 'echo'] } } });
  const identities = rest.filter((line) => line.identity).map((line) => line.identity);
  assert.deepEqual(identities.map(({ id, status }) => [id, status]), [['off', 'disabled'], ['edge-1', 'enabled'], ['edge-1/m', undefined]]);
  assert.deepEqual(identities[2].twin, { version: 2, tags: { t: true }, properties: { desired: { a: 1, $version: 1 }, reported: { $version: 1 } } });
  assert.deepEqual(rest.filter((line) => line.process).map((line) => line.process), [{ who: 'agent', did: 'start' }, { who: 'exec', did: 'exec', words: ['true', '${work}'] }, { who: 'agent', did: 'restart' }]);
  const commands = rest.filter((line) => line.command).map((line) => line.command);
  assert.deepEqual(commands.map((c) => c.command), ['twin.update', 'device.create', 'device.create']);
  assert.ok(commands.every((c) => !('primaryKey' in c) && !('secondaryKey' in c)));
  assert.deepEqual(rest.find((line) => line.answer).answer, { correlationData: commands[2].correlationData, status: 409 });
  assert.deepEqual(rest.filter((line) => line.device).map((line) => line.device), [{ report: { a: { x: { b: 3 } } }, on: 'late' }, { leave: 'late' }]);
  const at = (wanted) => rest.findIndex(wanted);
  assert.ok(at((line) => line.command?.command === 'twin.update') < at((line) => line.event?.cause === commands[0].correlationData), 'an action stands before what it caused');
  assert.ok(rest.some((line) => line.event?.kind === 'reported' && line.event.patch.b === 2));
  assert.equal(rest.at(-1).verdict, 'passed');
  assert.ok(rest.every((line, i) => Number.isInteger(line.offset_us) && (i === 0 || line.offset_us >= rest[i - 1].offset_us)), 'time never goes back');
});

test('no key and no signature is in a recording', async (t) => {
  const literal = Buffer.alloc(32, 9).toString('base64');
  const { dir } = await runScenario(t, {
    name: 'secrets', identities: { 'edge-1/m': { keys: { primary: Buffer.alloc(32, 7).toString('base64'), secondary: Buffer.alloc(32, 8).toString('base64') } } },
    agent: { ...agent, env: { WRONG: `HostName=x;SharedAccessKey=${literal}`, RIGHT: Buffer.alloc(32, 7).toString('base64') } },
    steps: [{ expect: 'reported' }, { rotateKey: 'edge-1/m' }, { tags: { says: `sr=x&sig=abc%2Fdef&se=1` } }] },
  '--agent', `${TINY} report '{"key":"${Buffer.alloc(32, 7).toString('base64')}"}'`, '--record', '@DIR/rec');
  const text = fs.readFileSync(path.join(dir, 'rec/s.jsonl'), 'utf8');
  assert.doesNotMatch(text, /[A-Za-z0-9+/]{43}=/);
  assert.doesNotMatch(text, /abc%2Fdef/);
  assert.match(text, /"WRONG":"HostName=x;SharedAccessKey=\*\*\*"/);
  assert.match(text, /"patch":\{"key":"\*\*\*"\}/);
});

test('what happened stands in the recording before the scenario is over', async (t) => {
  const shop = workshop(t, { name: 'slow', agent, steps: [{ expect: 'reported' }, { wait: '60s' }] });
  const running = new Running(['run', shop.file, '--agent', `${TINY} report '{"a":1}'`, '--record', path.join(shop.dir, 'rec')], { env: shop.env });
  await running.shows(/expect reported/);
  assert.ok(lines(shop.dir).some((line) => line.event?.kind === 'reported'));
  running.process.kill('SIGINT');
  await finish(running);
  assert.deepEqual(shop.left(), []);
});

test('an agent that ends by itself is in its recording, one that is told to end is not', async (t) => {
  const one = await runScenario(t, { name: 'ends', agent, steps: [{ exit: 3 }] }, '--agent', 'sh -c "exit 3"', '--record', '@DIR/rec');
  assert.deepEqual(lines(one.dir).filter((line) => line.event).map((line) => line.event), [{ kind: 'agent-ended', device: 'edge-1', module: 'm', agent: 'agent', exit: 3 }]);
  const two = await runScenario(t, { name: 'is stopped', agent, steps: [{ stop: 'agent' }, { exit: 143 }] }, '--agent', 'sleep 100', '--record', '@DIR/rec');
  assert.deepEqual(lines(two.dir).filter((line) => line.event), []);
});

test('each row of a table and each scenario of the same name has a recording of its own', async (t) => {
  const shop = workshop(t, { name: 'unused', steps: [{ wait: '0s' }] });
  for (const sub of ['a', 'b']) {
    fs.mkdirSync(path.join(shop.dir, sub));
    fs.writeFileSync(path.join(shop.dir, sub, 'same.jsonc'), JSON.stringify({ name: 'rows', each: [{ n: 1 }, { n: 2 }], steps: [{ wait: '0s' }] }));
  }
  const { code } = await finish(new Running(['run', path.join(shop.dir, 'a'), path.join(shop.dir, 'b'), '--jobs', '2', '--record', path.join(shop.dir, 'rec')], { env: shop.env }));
  assert.equal(code, 0);
  assert.deepEqual(fs.readdirSync(path.join(shop.dir, 'rec')).sort(), ['same-1.jsonl', 'same-1~2.jsonl', 'same-2.jsonl', 'same-2~2.jsonl']);
  assert.equal(lines(shop.dir, 'same-2.jsonl')[0].row, 2);
});

test('a recording that cannot be written is an error, not a verdict', async (t) => {
  const shop = workshop(t, { name: 's', steps: [{ wait: '0s' }] });
  fs.mkdirSync(path.join(shop.dir, 'rec/s.jsonl'), { recursive: true });
  const { code, stdout } = await finish(new Running(['run', shop.file, '--record', path.join(shop.dir, 'rec')], { env: shop.env }));
  assert.equal(code, 1);
  assert.match(stdout, /the recording .*s\.jsonl cannot be written: Is a directory/);
  const second = await finish(new Running(['run', shop.file, '--record', path.join(shop.file, 'rec')], { env: shop.env }));
  assert.equal(second.code, 3);
  assert.match(second.stderr, /cannot be made/);
});

test('two runs of the same print the same timeline, and it is another when a value is', async (t) => {
  const record = async (value) => {
    const { dir, code } = await runScenario(t, { name: 'same', agent, steps: [{ log: 'listening' }, { desired: { a: 1 } }, { expect: 'reported' }, { desired: { a: value } }, { expect: 'reported' }] }, '--agent', `${TINY} echo`, '--record', '@DIR/rec');
    assert.equal(code, 0);
    return path.join(dir, 'rec/s.jsonl');
  };
  const [one, two, other] = [await record(2), await record(2), await record(3)];
  const timeline = async (file) => (await twinsim('timeline', file)).stdout;
  assert.match(await timeline(one), /^edge-1\/m twin \{"kind":"reported","patch":\{"a":1\},"status":204,"version":2\}\nedge-1\/m twin \{"kind":"reported","patch":\{"a":2\},"status":204,"version":3\}$/m);
  assert.equal(await timeline(one), await timeline(two));
  assert.notEqual(await timeline(one), await timeline(other));
  assert.equal((await twinsim('timeline', one, two)).stdout, `== ${one}\n${await timeline(one)}== ${two}\n${await timeline(two)}`);
  assert.match((await twinsim('timeline', '--raw', one)).stdout, /^ +\d+\.\d{6} +> process \{"who":"agent","did":"start"\}$[^]*^ +\d+\.\d{6} +\d\d:\d\d:\d\d\.\d+ +edge-1\/m +reported +/m);
});

test('a recording that is cut is refused with its line, unless one asks for what there is', async (t) => {
  const { dir } = await runScenario(t, { name: 's', agent, steps: [{ expect: 'reported' }] }, '--agent', `${TINY} report '{"a":1}'`, '--record', '@DIR/rec');
  const file = path.join(dir, 'rec/s.jsonl');
  const text = fs.readFileSync(file, 'utf8');
  fs.writeFileSync(file, text.slice(0, text.indexOf('"verdict"')));
  const refused = await twinsim('timeline', file);
  assert.deepEqual([refused.code, refused.stdout], [3, '']);
  assert.ok(refused.stderr.includes(`${file}:${text.trim().split('\n').length}: the recording is cut in this line`), refused.stderr);
  const taken = await twinsim('timeline', file, '--cut');
  assert.equal(taken.code, 0, taken.stderr);
  assert.match(taken.stdout, /"kind":"reported"/);
});
