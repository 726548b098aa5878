'use strict';
/* Does what was installed find its parts, wherever it was installed? */
const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');
const { binaries } = require('../support/hub.js');
const { environment } = require('../support/twinsim.js');

test('an installed tree works from any prefix: pkg-config names the plugin, and a scenario runs with the installed agent', async (t) => {
  const prefix = fs.mkdtempSync(path.join(os.tmpdir(), 'twinsim-install-'));
  t.after(() => fs.rmSync(prefix, { recursive: true, force: true }));
  execFileSync('cmake', ['--install', path.dirname(binaries()), '--prefix', prefix], { stdio: 'ignore' });
  const find = (name) => fs.readdirSync(prefix, { recursive: true }).map((file) => path.join(prefix, file)).find((file) => path.basename(file) === name);
  const variable = (name) => execFileSync('pkg-config', [`--variable=${name}`, 'twinsim'], { env: { ...process.env, PKG_CONFIG_PATH: path.dirname(find('twinsim.pc')) } }).toString().trim();
  for (const name of ['plugin', 'schema']) assert.ok(fs.existsSync(variable(name)), `${name}: ${variable(name)}`);
  assert.ok(find('twinsim.1') || find('twinsim.1.gz'), 'the manual page');

  const scenario = path.join(variable('fixtures'), 'scenarios/identity/75-change-made-while-away.jsonc');
  const out = execFileSync(path.join(prefix, 'bin/twinsim'), ['run', scenario], { env: environment() }).toString();
  assert.match(out, /1 passed, 0 failed/);
});
