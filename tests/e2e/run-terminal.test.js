// run-terminal.test.js - the live report of `twinsim run`: what is running shows on a screen and leaves nothing; CI and pipes see whole lines.
'use strict';
const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { finish, workshop } = require('../support/runner.js');
const { Running, environment } = require('../support/twinsim.js');
const { binaries } = require('../support/hub.js');

const COLUMNS = 60;
const LONG = 'sh -c "sleep 0.1; true äöü a step whose text is far longer than the line that it has got on this screen"';

function scenarios(t) {
  const shop = workshop(t, { name: 'one', steps: [{ exec: 'true' }, { exec: LONG }] });
  fs.writeFileSync(path.join(shop.dir, 't.jsonc'), JSON.stringify({ name: 'two', steps: [{ exec: LONG }, { exec: 'false' }] }));
  return shop;
}

/** Run on a terminal of its own (util-linux' `script` makes one). Resolves to all bytes that it was sent. */
function onTerminal(shop, args, env = {}) {
  const words = [path.join(binaries(), 'twinsim'), 'run', shop.dir, ...args].map((word) => `'${word}'`).join(' ');
  const child = spawn('script', ['-qec', `stty cols ${COLUMNS}; ${words}`, '/dev/null'], { env: environment({ ...shop.env, TERM: 'xterm', ...env }), stdio: ['ignore', 'pipe', 'inherit'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), 60000);
  let bytes = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => (bytes += chunk));
  return new Promise((resolve) => child.on('close', () => {
    clearTimeout(timer);
    resolve(bytes);
  }));
}

/** What stands on the screen in the end, and the longest line that was ever taken back. */
function screenOf(bytes) {
  const lines = [''];
  const takenBack = [];
  for (const part of bytes.replace(/\r\n/g, '\n').split(/(\n|\r\x1b\[K)/)) {
    if (part === '\n') lines.push('');
    else if (part === '\r\x1b[K') takenBack.push(...lines.splice(-1, 1, '').filter(Boolean));
    else lines[lines.length - 1] += part;
  }
  return { lines, takenBack };
}

for (const jobs of ['1', '2']) {
  test(`on a screen the running step shows until it is done, and nothing of it stays, with --jobs ${jobs}`, async (t) => {
    const { lines, takenBack } = screenOf(await onTerminal(scenarios(t), ['--jobs', jobs]));
    assert.ok(takenBack.some((line) => /sleep 0\.1/.test(line)), takenBack.join('\n'));
    if (jobs === '2') assert.ok(takenBack.some((line) => /^[01] of 2 done, running: .*[st]\.jsonc/.test(line)), takenBack.join('\n'));
    for (const line of takenBack) assert.ok([...line].length < COLUMNS, `it does not wrap: ${line}`);
    assert.ok(!lines.some((line) => /running:|^ {4}\.\.\./.test(line)), lines.join('\n'));
    assert.equal(lines.filter((line) => /^(PASSED|FAILED) /.test(line)).length, 2);
    assert.match(lines.join('\n'), /\n1 passed, 1 failed, 0 errors, 0 skipped in /);
  });
}

test('a screen in CI gets a line a scenario, what explains a red one, and no step', async (t) => {
  const bytes = await onTerminal(scenarios(t), ['--jobs', '2'], { CI: 'true' });
  assert.doesNotMatch(bytes, /\x1b|running:|ok .* s /);
  assert.match(bytes, /^PASSED .*s\.jsonc: one\r\n/m);
  assert.match(bytes, /^FAILED .*t\.jsonc: two\r\n[^]*ended with exit code 1/m);
});

test('a pipe gets whole lines without control bytes', async (t) => {
  const shop = scenarios(t);
  const { stdout } = await finish(new Running(['run', shop.dir], { env: shop.env }));
  // eslint-disable-next-line no-control-regex
  assert.doesNotMatch(stdout, /[\0-\x08\x0B-\x1F]/);
  assert.match(stdout, /ok +0\.1\d\d s +exec sh -c/);
});
