// profiles.test.js - each personality's scenario passes on it, and on no other: so each is different where it says so.
'use strict';
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');
const { finish, workshop } = require('../support/runner.js');
const { Running } = require('../support/twinsim.js');

const FOLDER = path.resolve(__dirname, '../../fixtures/scenarios/profiles');
const PROFILES = ['gw-v1', 'gw-v2', 'edge-hub'];

test('of nine pairs of a scenario and a profile exactly the three that belong together pass', async (t) => {
  const shop = workshop(t, '');
  const pairs = path.join(shop.dir, 'pairs');
  fs.mkdirSync(pairs);
  for (const scenario of PROFILES) {
    const text = fs.readFileSync(path.join(FOLDER, `${scenario}.jsonc`), 'utf8');
    assert.equal(text.split(`"profile": "${scenario}"`).length, 2, `${scenario}.jsonc names its profile once`);
    for (const profile of PROFILES) fs.writeFileSync(path.join(pairs, `${scenario} on ${profile}.jsonc`), text.replace(`"profile": "${scenario}"`, `"profile": "${profile}"`));
  }
  const json = path.join(shop.dir, 'out.json');
  const { code, stdout, stderr } = await finish(new Running(['run', pairs, '--jobs', '3', '--quiet', '--json', json], { env: shop.env }));
  assert.equal(code, 1, stdout + stderr);
  const verdicts = Object.fromEntries(JSON.parse(fs.readFileSync(json, 'utf8')).scenarios.map((s) => [path.basename(s.file, '.jsonc'), s.verdict ?? s.status]));
  const expected = Object.fromEntries(PROFILES.flatMap((a) => PROFILES.map((b) => [`${a} on ${b}`, a === b ? 'passed' : 'failed'])));
  assert.deepEqual(Object.fromEntries(Object.entries(verdicts).sort()), Object.fromEntries(Object.entries(expected).sort()));
  assert.deepEqual(shop.left(), []);
});

test('a profile that there is not stops the start, and says which there are', async () => {
  const { code, stderr } = await finish(new Running(['up', '--profile', 'gw-v3', '--data', '/nonexistent/data']));
  assert.equal(code, 2);
  assert.match(stderr, /the profile 'gw-v3' is unknown; it is a personality \(gw-v2, gw-v1, edge-hub\), a tier/);
});
