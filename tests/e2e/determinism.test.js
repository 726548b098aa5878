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

test('three runs of the suite of twenty have the same timelines', async (t) => {
  const { code, output } = await script(t, 'determinism', ['--runs', '3', '--jobs', '4']);
  assert.equal(code, 0, output);
  assert.match(output, /^\d\d scenarios, 3 runs: every timeline is the same each time$/m);
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

for (const [change, what] of [
  ['one changed value', `report '{"a":1}' '{"a":4}' '{"a":3}'`],
  ['a missing patch', `report '{"a":1}' '{"a":3}'`],
  ['an extra patch', `report '{"a":1}' '{"a":2}' '{"a":2}' '{"a":3}'`],
  ['a swapped pair', `report '{"a":1}' '{"a":3}' '{"a":2}'`],
]) {
  test(`${change} changes the timeline`, async (t) => {
    const shop = workshop(t, { name: 'n', agent: { as: 'edge-1/m' }, steps: [{ expect: 'reported' }] });
    const timeline = async (folder, line) => {
      const { code, stdout } = await finish(new Running(['run', shop.file, '--agent', `${TINY} ${line}`, '--record', path.join(shop.dir, folder)], { env: shop.env }));
      assert.equal(code, 0, stdout);
      return (await twinsim('timeline', path.join(shop.dir, folder, 's.jsonl'))).stdout;
    };
    const recorded = await timeline('one', `report '{"a":1}' '{"a":2}' '{"a":3}'`);
    assert.equal((recorded.match(/reported/g) ?? []).length, 3);
    assert.equal(await timeline('two', `report '{"a":1}' '{"a":2}' '{"a":3}'`), recorded);
    assert.notEqual(await timeline('three', what), recorded);
  });
}

test('recordings of the fixtures happen again, and another agent is caught with its first difference', async (t) => {
  const some = ['configuration/04-everything-customised', 'identity/74-hub-restart', 'patches/48-replace'].map((name) => path.join(ROOT, `fixtures/scenarios/${name}.jsonc`));
  const same = await script(t, 'replay-all', some);
  assert.equal(same.code, 0, same.output);
  assert.match(same.output, /^\d+ recordings replayed, 0 differ$/m);
  const other = await script(t, 'replay-all', ['--agent', `env SECURITY_AGENT_MODE=legacy-cs ${path.join(binaries(), 'security-agent')}`, path.join(ROOT, 'fixtures/scenarios/patches/45-unrelated-key.jsonc')]);
  assert.equal(other.code, 1, other.output);
  assert.match(other.output, /^differs .*: edge-1\/azureiotsecurity (twin|connection), entry \d+: /m);
  assert.match(other.output, /^1 recordings replayed, 1 differ$/m);
});
