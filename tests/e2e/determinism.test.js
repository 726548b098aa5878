// determinism.test.js - equal runs have equal timelines, and an agent that does one thing otherwise has not.
'use strict';
const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { binaries } = require('../support/hub.js');
const { finish, workshop } = require('../support/runner.js');
const { Running, environment, temporary, twinsim } = require('../support/twinsim.js');

const ROOT = path.resolve(__dirname, '../..');
const TINY = `node ${path.join(ROOT, 'tests/support/tiny-agent.js')}`;

/** Run one of the scripts to its end. */
function script(t, name, args, limit = 280000) {
  const tmp = temporary(t, 'twinsim-script-');
  return new Promise((resolve) => {
    const child = spawn(path.join(ROOT, 'scripts', name), args, { env: environment({ TWINSIM_BIN: binaries(), TMPDIR: tmp }), stdio: ['ignore', 'pipe', 'pipe'] });
    const timer = setTimeout(() => child.kill('SIGTERM'), limit);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    child.once('close', (code) => {
      clearTimeout(timer);
      assert.deepEqual(fs.readdirSync(tmp), [], 'nothing stays behind');
      resolve({ code, output });
    });
  });
}

const scenarios = (...names) => names.map((name) => path.join(ROOT, `fixtures/scenarios/${name}.jsonc`));

// Of the suite of twenty, which takes its time, one of each kind: the twin, faults, restarts, identities and telemetry.
test('three runs have the same timelines', async (t) => {
  const some = scenarios('faults/hold', 'identity/74-hub-restart', 'identity/75-change-made-while-away', 'patches/48-replace', 'patches/54-wrong-order', 'telemetry/98-published-form');
  const { code, output } = await script(t, 'determinism', ['--runs', '3', '--jobs', '8', ...some]);
  assert.equal(code, 0, output);
  assert.match(output, /^8 scenarios, 3 runs: every timeline is the same each time$/m);
});

test('the suite of twenty is there', () => {
  const list = /^twenty='([^']*)'$/m.exec(fs.readFileSync(path.join(ROOT, 'scripts/determinism'), 'utf8'))[1].trim().split(/\s+/);
  assert.equal(new Set(list).size, 20);
  for (const file of scenarios(...list)) assert.ok(fs.existsSync(file), file);
});

test('the comparison of runs finds a scenario whose agent does not always do the same', async (t) => {
  const dir = temporary(t);
  const file = path.join(dir, 'odd.jsonc');
  const args = ['-c', `exec node ${path.join(ROOT, 'tests/support/tiny-agent.js')} report '{"n":'$$'}'`]; // its process id
  fs.writeFileSync(file, JSON.stringify({ name: 'odd', agent: { as: 'edge-1/m', command: 'sh', args }, steps: [{ expect: 'reported' }] }));
  const { code, output } = await script(t, 'determinism', ['--runs', '2', file]);
  assert.equal(code, 1, output);
  assert.match(output, /^odd: run 2 differs from run 1:$/m);
  assert.match(output, /^-edge-1\/m twin .*^\+edge-1\/m twin /ms);
});

test('one change of what an agent reports changes the timeline', async (t) => {
  const shop = workshop(t, { name: 'n', agent: { as: 'edge-1/m' }, steps: [{ expect: 'reported' }] });
  let runs = 0;
  const timeline = async (line) => {
    const folder = path.join(shop.dir, `run-${++runs}`);
    const { code, stdout } = await finish(new Running(['run', shop.file, '--agent', `${TINY} ${line}`, '--record', folder], { env: shop.env }));
    assert.equal(code, 0, stdout);
    return (await twinsim('timeline', path.join(folder, 's.jsonl'))).stdout;
  };
  const recorded = await timeline(`report '{"a":1}' '{"a":2}' '{"a":3}'`);
  assert.equal((recorded.match(/reported/g) ?? []).length, 3);
  assert.equal(await timeline(`report '{"a":1}' '{"a":2}' '{"a":3}'`), recorded);
  for (const [change, line] of [
    ['one changed value', `report '{"a":1}' '{"a":4}' '{"a":3}'`],
    ['a missing patch', `report '{"a":1}' '{"a":3}'`],
    ['an extra patch', `report '{"a":1}' '{"a":2}' '{"a":2}' '{"a":3}'`],
    ['a swapped pair', `report '{"a":1}' '{"a":3}' '{"a":2}'`],
  ]) {
    await t.test(change, async () => assert.notEqual(await timeline(line), recorded));
  }
});

test('recordings of the fixtures happen again, and another agent is caught with its first difference', async (t) => {
  const same = await script(t, 'replay-all', scenarios('faults/hold', 'identity/74-hub-restart', 'patches/48-replace'));
  assert.equal(same.code, 0, same.output);
  assert.match(same.output, /^\d+ recordings replayed, 0 differ$/m);
  const other = await script(t, 'replay-all', ['--agent', `env SECURITY_AGENT_MODE=legacy-cs ${path.join(binaries(), 'security-agent')}`, ...scenarios('patches/45-unrelated-key')]);
  assert.equal(other.code, 1, other.output);
  // What goes first otherwise: a patch of something else sends the C# agent's settings back to their defaults.
  assert.match(other.output, /^differs .*: edge-1\/azureiotsecurity twin, entry 3: what was expected came with other values$/m);
  assert.match(other.output, /^ {2}patch\..*\.highPriorityMessageFrequency\.value: expected "PT1M30S", got "PT7M"$/m);
  assert.match(other.output, /^1 recordings replayed, 1 differ$/m);
});
