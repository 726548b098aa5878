// fsck.test.js - twinsim fsck: what a stopped hub left is whole, or what is wrong is named; a running hub is not looked at.
'use strict';
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { temporary, twinsim, up } = require('../support/twinsim.js');

const fsck = (data, ...args) => twinsim('fsck', '--data', data, ...args);

/** Some life: identities, changes, messages, a deletion. */
async function live(hub) {
  await hub.ok('device', 'create', 'edge-1', '--twin', '{"tags":{"site":"attic"}}');
  await hub.ok('security', 'init', 'edge-1');
  await hub.ok('device', 'create', 'gone');
  for (let k = 0; k < 5; k++) await hub.ok('twin', 'update', 'edge-1', '--desired', `{"k":${k}}`);
  await hub.ok('twin', 'replace', 'edge-1', '--desired', '{"z":1}');
  await hub.ok('device', 'renew-key', 'edge-1');
  await hub.ok('message', 'send', 'edge-1', '--body', 'hello');
  await hub.ok('device', 'delete', 'gone');
}

test('what a hub left is whole, and what a killed hub left, too; a running hub is not looked at', async (t) => {
  const hub = await up(t);
  await live(hub);
  const busy = await fsck(hub.data);
  assert.deepEqual([busy.code, busy.stdout], [4, '']);
  assert.match(busy.stderr, /is in use by another hub, process \d+: stop that one/);

  process.kill(hub.file().brokerPid, 'SIGKILL'); // what it kept is in its write-ahead log
  await hub.up.ended;
  const killed = await fsck(hub.data);
  assert.deepEqual([killed.code, killed.stderr], [0, '']);
  assert.match(killed.stdout, /^2 identities, \d+ journal rows, 1 messages, 0 feedback: all is well\n$/);

  const json = await fsck(hub.data, '--json');
  const { rows, ...rest } = JSON.parse(json.stdout);
  assert.ok(rows >= 9);
  assert.deepEqual(rest, { identities: 2, messages: 1, feedback: 0, found: 0, problems: [] });
});

test('damage ends with 1 and is named; the file stays as it is', async (t) => {
  const hub = await up(t);
  await live(hub);
  await hub.ok('device', 'create', 'other');
  await hub.stop();
  const file = path.join(hub.data, 'twinsim.db');
  const bytes = fs.readFileSync(file);
  let from = -1;
  while ((from = bytes.indexOf('"site":"attic"', from + 1)) >= 0) bytes[from] = 0x78; // a quote less, wherever the tag is kept
  fs.writeFileSync(file, bytes);
  const text = await fsck(hub.data);
  assert.deepEqual([text.code, text.stderr], [1, '']);
  assert.match(text.stdout, /^edge-1: snapshot row 1: a twin's snapshot is damaged\nedge-1: journal row 1: its text is no JSON\n3 identities, .*: 2 problems\n$/);
  const json = await fsck(hub.data, '--json');
  assert.equal(json.code, 1);
  const { found, problems } = JSON.parse(json.stdout);
  assert.equal(found, 2);
  assert.deepEqual(problems, [
    { id: 'edge-1', table: 'snapshot', row: 1, problem: "a twin's snapshot is damaged" },
    { id: 'edge-1', table: 'journal', row: 1, problem: 'its text is no JSON' }]);
  assert.deepEqual(fs.readFileSync(file), bytes);

  await hub.start(); // it serves the others, and export saves them
  const dir = path.join(temporary(t), 'saved');
  const saved = await hub.run('export', dir);
  assert.deepEqual([saved.code, saved.stdout, saved.stderr], [5, `exported 1 identity to ${dir}\n`,
    ['edge-1', 'edge-1/azureiotsecurity'].map((id) => `twinsim: ${id} cannot be read by the hub, and is left out: twinsim fsck tells more\n`).join('')]);
  assert.deepEqual(fs.readdirSync(dir), ['other.json']);
});

test('a file cut short is a problem; a directory without one is no verdict, and nothing is made there', async (t) => {
  const dir = temporary(t);
  const nothing = await fsck(dir);
  assert.deepEqual([nothing.code, nothing.stdout], [3, '']);
  assert.match(nothing.stderr, /there is no twinsim\.db in .*: no hub has run on it yet\n$/);
  assert.deepEqual(fs.readdirSync(dir), []);
  fs.writeFileSync(path.join(dir, 'twinsim.db'), 'SQLite');
  const cut = await fsck(dir);
  assert.deepEqual([cut.code, cut.stderr], [1, '']);
  assert.match(cut.stdout, /^the file: .*twinsim\.db is cut short\. .*\n1 problem; nothing else could be looked at\n$/);
});
