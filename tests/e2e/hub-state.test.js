// hub-state.test.js - files of `az iot hub state`: read as the tool writes them, written as the tool reads them (facts S-40).
'use strict';
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { temporary, twinsim, up } = require('../support/twinsim.js');

const fixture = path.join(__dirname, '../../fixtures/hub-state/thousand-devices.json');
const counters = (section) => Object.keys(section).filter((key) => ['$version', '$metadata'].includes(key));

/** Every member that the tool reads of a file, in the way it does: what is missing throws there, too. Returns what it would send. */
function asTheToolReads(state) {
  const sent = {};
  assert.ok(state.configurations.admConfigurations && state.configurations.edgeDeployments);
  const credentials = ({ authentication }) => {
    if (authentication.type === 'sas') return { sas: [authentication.symmetricKey.primaryKey, authentication.symmetricKey.secondaryKey] };
    if (authentication.type === 'selfSigned') return { prints: [authentication.x509Thumbprint.primaryThumbprint, authentication.x509Thumbprint.secondaryThumbprint] };
    assert.ok(['certificateAuthority', 'none'].includes(authentication.type), authentication.type);
    return { type: authentication.type };
  };
  for (const [device, entry] of Object.entries(state.devices)) {
    assert.equal(typeof entry.identity.authentication.x509Thumbprint, 'object', device);
    sent[device] = { ...credentials(entry.identity), edge: entry.identity.capabilities.iotEdge, status: entry.identity.status, twin: entry.twin };
    for (const [module, inner] of Object.entries(entry.modules || {})) {
      sent[`${device}/${module}`] = { ...credentials(inner.identity), desired: inner.twin.properties.desired, tags: inner.twin.tags };
    }
  }
  return sent;
}

test('a file of a thousand devices with modules comes in as it is, and goes out as the tool would take it back', async (t) => {
  const hub = await up(t, { args: ['--quiet'] });
  const dir = temporary(t);
  const read = await hub.run('import', fixture);
  assert.equal(read.code, 0, read.stderr);
  const before = asTheToolReads(JSON.parse(fs.readFileSync(fixture, 'utf8')));
  assert.match(read.stdout, new RegExp(`^imported ${Object.keys(before).length} identities$`, 'm'));
  assert.match(read.stderr, /left out, because this hub has none of them: 30 parents, 20 X\.509 thumbprints, 1 configuration, 1 ARM template/);

  const file = path.join(dir, 'hub.json');
  const written = await hub.run('export', '--state-file', file);
  assert.equal(written.code, 0, written.stderr);
  assert.equal(fs.statSync(file).mode & 0o777, 0o600, 'it holds keys');
  const after = asTheToolReads(JSON.parse(fs.readFileSync(file, 'utf8')));
  for (const id of Object.keys(before)) {
    if (before[id].prints) before[id].prints = [null, null]; // thumbprints are not kept, and the import said so
  }
  assert.deepEqual(after, before);

  // A hub that is made from it is the same hub again.
  const second = await up(t, { args: ['--quiet', '--seed', file] });
  const again = path.join(dir, 'again.json');
  assert.equal((await second.run('export', '--state-file', again)).code, 0);
  assert.equal(fs.readFileSync(again, 'utf8'), fs.readFileSync(file, 'utf8'));
});

test('reported properties, counters and metadata stay out of the file, as with the tool', async (t) => {
  const hub = await up(t, { args: ['--quiet'] });
  const doc = { deviceId: 'd', tags: { a: 1 }, properties: { desired: { x: { y: 1 }, $version: 7 }, reported: { fw: '1.2', $version: 3 } } };
  const dir = temporary(t);
  fs.writeFileSync(path.join(dir, 'd.json'), JSON.stringify(doc));
  assert.equal((await hub.run('import', path.join(dir, 'd.json'))).code, 0);
  const file = path.join(dir, 'hub.json');
  const { code, stdout } = await hub.run('export', '--state-file', file, '--json');
  assert.equal(code, 0);
  assert.deepEqual(JSON.parse(stdout), { exported: 1 });
  const { twin } = JSON.parse(fs.readFileSync(file, 'utf8')).devices.d;
  assert.deepEqual(twin, { properties: { desired: { x: { y: 1 } } }, tags: { a: 1 } });
  assert.deepEqual(counters(twin.properties.desired), []);
});

test('a file that is not whole is refused with its place before anything is sent', async (t) => {
  const hub = await up(t, { args: ['--quiet'] });
  const file = path.join(temporary(t), 'bad.json');
  const bad = [
    ['{"devices":{\n "good":{"identity":{"status":"enabled"}},\n "d":{"twin":{}}}}', /bad\.json:3:6: a device or module of a state file needs an object "identity"/],
    ['{"devices":{"d":{"identity":{},"twin":[]}}}', /bad\.json:1:39: "twin" is an object/],
    ['{"devices":{"d":{"identity":{},"modules":{"m":7}}}}', /bad\.json:1:47: a device or module of a state file needs an object "identity"/],
    ['{"devices":{"a b":{"identity":{}}}}', /bad\.json:1:19: "deviceId" or "moduleId" is no valid id/],
  ];
  for (const [text, said] of bad) {
    fs.writeFileSync(file, text);
    const { code, stderr } = await hub.run('import', file);
    assert.equal(code, 3, text);
    assert.match(stderr, said);
  }
  assert.deepEqual(await hub.json('device', 'list'), []);
});

test('export wants a directory or a state file, and says which when it gets both or none', async (t) => {
  for (const [args, what] of [[['export'], /give a directory, or --state-file FILE;/], [['export', 'x', '--state-file', 'y'], /FILE, not both;/]]) {
    const { code, stderr } = await twinsim(...args, '--data', temporary(t));
    assert.equal(code, 2);
    assert.match(stderr, what);
  }
});
