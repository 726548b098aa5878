// explore.test.js - random histories find what is wrong with an agent, and make it small; an agent that is right survives them.
'use strict';
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { finish, processesWith } = require('../support/runner.js');
const { Running, temporary, twinsim } = require('../support/twinsim.js');

const MIRROR = path.resolve(__dirname, '../support/mirror-agent.js');
const MODEL = path.resolve(__dirname, '../support/small-model.json');

/** A folder, and how to explore in it: `explore(...)` resolves to code, stdout, stderr. */
function bench(t) {
  const dir = temporary(t, 'twinsim-explore-test-');
  const tmp = path.join(dir, 'tmp');
  fs.mkdirSync(tmp);
  const start = (...args) => new Running(['explore', '--model', MODEL, ...args], { env: { TMPDIR: tmp, NO_COLOR: '1' } });
  return { dir, tmp, start, explore: (...args) => finish(start(...args), 110000), left: () => [...fs.readdirSync(tmp), ...processesWith(tmp)] };
}
const mirror = (bug, model = MODEL) => `env MIRROR_BUG=${bug} node ${MIRROR} ${model}`;

/** The lines of a scenario that are steps. */
const stepsOf = (text) => text.split('\n').filter((line) => line.startsWith('    { '));

/** bug, seed, law, most steps, what the smallest scenario looks like. The seed is one that finds it early: what is tested is that it is found
 * and made small, not luck. */
const bugs = [
  ['forgets-null-deletes', 1, 'the agent reports what is desired', 6, /"desired": \{ "s\.\w": null \}/],
  ['no-get-after-reconnect', 1, 'the agent reports what is desired', 6, /"fault": "disconnect"|"restart": "hub"/],
  ['dies-of-an-empty-object', 1, 'the agent does not end by itself', 6, /\{\}/],
  ['chatters', 1, 'the agent reports nothing when nothing has changed', 6, /"never": "reported"/],
];
for (const [bug, seed, law, most, shows] of bugs) {
  test(`an agent that ${bug.replaceAll('-', ' ')} is found, and ${most} steps tell of it`, async (t) => {
    const { dir, explore, left } = bench(t);
    const out = path.join(dir, 'found.jsonc');
    const { code, stdout, stderr } = await explore('--agent', mirror(bug), '--seed', `${seed}`, '--steps', '8', '--jobs', '3', '--minutes', '1', '--shrink', '1', '--out', out);
    assert.equal(code, 1, stderr);
    assert.equal(stdout, '');
    assert.match(stderr, new RegExp(`^not so: ${law} \\(history \\d+\\)$`, 'm'));
    assert.match(stderr, /^run it again: twinsim run .*found\.jsonc --agent 'env MIRROR_BUG=/m);
    const text = fs.readFileSync(out, 'utf8');
    assert.ok(stepsOf(text).length <= most, text);
    assert.match(text, shows);
    assert.deepEqual(left(), []);

    const red = await twinsim('run', out, '--agent', mirror(bug), '--quiet');
    assert.equal(red.code, 1, `what was found is red by itself, too: ${red.stdout}`);
    const green = await twinsim('run', out, '--agent', mirror(''), '--quiet');
    assert.equal(green.code, 0, `and green with an agent that is right: ${green.stdout}`);
  });
}

test('an agent that is right survives', async (t) => {
  const { explore, left } = bench(t);
  const { code, stdout, stderr } = await explore('--agent', mirror(''), '--histories', '8', '--seed', '5');
  assert.equal(code, 0, stderr);
  assert.equal(stdout, '');
  assert.match(stderr, /^8 histories, \d+ changes, .*, seed 5\n[^]*no law was broken\n$/);
  assert.deepEqual(left(), []);
});

test('the same seed shows the same history, which is a good scenario; another number shows another', async (t) => {
  const { dir, explore } = bench(t);
  const show = async (...args) => {
    const { code, stdout, stderr } = await explore(...args);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  const seven = await show('--seed', '3', '--show', '7');
  assert.equal(await show('--seed', '3', '--show', '7'), seven);
  assert.notEqual(await show('--seed', '3', '--show', '8'), seven);
  for (let i = 0; i < 6; i++) fs.writeFileSync(path.join(dir, `${i}.jsonc`), await show('--show', `${i}`, '--steps', '60'));
  const { code, stderr } = await twinsim('lint', dir);
  assert.equal(code, 0, stderr);
});

test('the built-in model is the security agents\' and makes good scenarios', async (t) => {
  const dir = temporary(t);
  for (let i = 0; i < 3; i++) {
    const { code, stdout, stderr } = await twinsim('explore', '--show', `${i}`);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /"edge-1\/azureiotsecurity"/);
    fs.writeFileSync(path.join(dir, `${i}.jsonc`), stdout);
  }
  assert.equal((await twinsim('lint', dir)).code, 0);
});

test('Ctrl-C while it looks ends it at once, with what it did so far', async (t) => {
  const { dir, start, left } = bench(t);
  const model = path.join(dir, 'model.json');
  fs.copyFileSync(MODEL, model);
  const running = start('--agent', mirror('', model), '--jobs', '1', '--minutes', '5');
  const timer = setInterval(() => {
    if (processesWith(`${MIRROR} ${model}`).some((line) => /^\d+ node /.test(line))) running.process.kill('SIGINT'); // the first agent runs
  }, 50);
  const { stderr } = await finish(running);
  clearInterval(timer);
  assert.match(stderr, /^\d histories, \d+ changes, \d+\.\d s, seed 1\n/);
  assert.deepEqual(left(), []);
});

test('what cannot be explored is said', async (t) => {
  const { dir, explore } = bench(t);
  const bad = path.join(dir, 'bad.json');
  fs.writeFileSync(bad, '{ "properties": {\n "a": { "value": [1] } } }');
  const wrong = await twinsim('explore', '--model', bad);
  assert.equal(wrong.code, 3);
  assert.match(wrong.stderr, /bad\.json:2:9: a property has no member 'value'; did you mean 'values'\?\n/);
  const missing = await twinsim('explore', '--model', path.join(dir, 'none.json'));
  assert.equal(missing.code, 3);
  assert.match(missing.stderr, /none\.json:1:1: cannot be read: not found/);
  const none = await explore('--agent', path.join(dir, 'no-agent'), '--histories', '2');
  assert.equal(none.code, 1);
  assert.match(none.stderr, /cannot start '.*no-agent' in .*: No such file or directory[^]*no history was judged/);
});
