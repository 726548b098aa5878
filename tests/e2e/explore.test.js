// explore.test.js - random histories find what is wrong with an agent, and make it small; an agent that is right survives them.
'use strict';
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { binaries } = require('../support/hub.js');
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
  return { dir, tmp, start, explore: (...args) => finish(start(...args), 200000), left: () => [...fs.readdirSync(tmp), ...processesWith(tmp)] };
}
const mirror = (bug, model = MODEL) => `env MIRROR_BUG=${bug} node ${MIRROR} ${model}`;

/** The lines of a scenario that are steps. */
const stepsOf = (text) => text.split('\n').filter((line) => line.startsWith('    { '));

/** Explore an agent with a bug; resolves to what was said, and the scenario that was found. History 0 of the seed finds it: what is tested is
 * that it is found and made small, not luck, and each history costs a hub and an agent. */
async function find(t, bug, seed, steps, ...args) {
  const { dir, explore, left } = bench(t);
  const out = path.join(dir, 'found.jsonc');
  const { code, stdout, stderr } = await explore('--agent', mirror(bug), '--seed', `${seed}`, '--steps', `${steps}`, '--histories', '1', '--out', out, ...args);
  assert.equal(code, 1, stderr);
  assert.equal(stdout, '');
  assert.match(stderr, /^run it again: twinsim run .*found\.jsonc --agent 'env MIRROR_BUG=/m);
  assert.deepEqual(left(), []);
  return { out, stderr, text: fs.readFileSync(out, 'utf8') };
}

const RIGHT = 'the agent reports what is desired';
const ALIVE = 'the agent does not end by itself';
const VERSIONS = 'versions never go back';

/** bug, law, seed, what the smallest scenario looks like; six steps of a history must do. Each law of the two is made small in a way of its own. */
const shrunk = [
  ['forgets-null-deletes', RIGHT, 14, 6, /"desired": \{ "s\.\w": null \}|"settings": null/],
  ['goes-back', VERSIONS, 230, 8, /"fault": "duplicate", "delay": "200ms"[^]*"never": "reported", "match": \{ "settingsVersion": \{ "\$lt": "\$\{v1\}" \} \}/],
];
for (const [bug, law, seed, steps, shows] of shrunk) {
  test(`an agent that ${bug.replaceAll('-', ' ')} is found, and ${steps} steps tell of it`, async (t) => {
    const { out, stderr, text } = await find(t, bug, seed, 2, '--shrink', '2');
    assert.match(stderr, new RegExp(`^not so: ${law} \\(history 0\\)$`, 'm'));
    assert.match(text, shows);
    assert.ok(stepsOf(text).length <= steps, text);

    const red = await twinsim('run', out, '--agent', mirror(bug), '--quiet');
    assert.equal(red.code, 1, `what was found is red by itself, too: ${red.stdout}`);
    const green = await twinsim('run', out, '--agent', mirror(''), '--quiet');
    assert.equal(green.code, 0, `and green with an agent that is right: ${green.stdout}`);
  });
}

const found = [
  ['ignores-versions', RIGHT, 32, 8],
  ['no-get-after-reconnect', RIGHT, 1, 8],
  ['dies-of-an-empty-object', ALIVE, 53, 8],
  ['chatters', 'the agent reports nothing when nothing has changed', 1, 1],
  ['busy-loop', 'the agent needs no CPU time when there is nothing to do', 1, 1],
];
for (const [bug, law, seed, steps] of found) {
  test(`an agent that ${bug.replaceAll('-', ' ')} is found`, async (t) => {
    const { stderr, text } = await find(t, bug, seed, steps, '--shrink', '0');
    assert.match(stderr, new RegExp(`^not so: ${law} \\(history 0\\)$`, 'm'));
    assert.ok(text.startsWith(`// twinsim explore --seed ${seed} --steps ${steps}, history 0\n`), text);
  });
}

test('an agent that died is found though the very next step kills and starts it again', async (t) => {
  const { stderr, text } = await find(t, 'dies-when-cut', 22, 8, '--shrink', '0');
  assert.match(stderr, new RegExp(`^not so: ${ALIVE} \\(history 0\\)$`, 'm'));
  assert.match(stderr, /: kill agent\n {4}the agent ended by itself: exit code 70$/m);
  assert.match(text, /\{ "restart": "hub" \},\n {4}\{ "kill": "agent" \},\n {4}\{ "wait": "300ms" \} \]/, 'and what is found ends there, with a look at it');
});

test('an agent that is right survives', async (t) => {
  const { explore, left } = bench(t);
  const { code, stdout, stderr } = await explore('--agent', mirror(''), '--histories', '4', '--seed', '5');
  assert.equal(code, 0, stderr);
  assert.equal(stdout, '');
  assert.match(stderr, /^4 histories, \d+ changes, .*, seed 5\n[^]*no law was broken\n$/);
  assert.deepEqual(left(), []);
});

test('the reference agent survives as documented, and does not with the habits of the C agent', async (t) => {
  const tmp = temporary(t);
  const explore = (...args) => finish(new Running(['explore', '--seed', '7', '--shrink', '0', ...args], { env: { TMPDIR: tmp } }));
  const documented = await explore('--histories', '2');
  assert.equal(documented.code, 0, documented.stderr);
  const legacy = await explore('--histories', '1', '--agent', `env SECURITY_AGENT_MODE=legacy-c SECURITY_AGENT_TWIN_PERIOD=PT0.2S ${path.join(binaries(), 'security-agent')}`);
  assert.equal(legacy.code, 1, legacy.stderr);
  assert.match(legacy.stderr, /^not so: the agent reports what is desired/m);
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
  assert.match(stderr, /^interrupted; so far:\n\d histories, \d+ changes, \d+\.\d s, seed 1\n/);
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
  assert.equal(none.code, 2);
  assert.match(none.stderr, /^twinsim: --agent: '.*no-agent' cannot be started: No such file or directory\n$/);
  const nowhere = await explore('--out', path.join(dir, 'no-folder/found.jsonc'));
  assert.equal(nowhere.code, 3);
  assert.match(nowhere.stderr, /^twinsim: --out: .*no-folder\/found\.jsonc cannot be written: No such file or directory\n$/);
});
