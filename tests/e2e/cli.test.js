// cli.test.js - the verbs against a running hub: what they print, what they change, how they fail.
'use strict';
const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const sas = require('../support/sas.js');
const { Client } = require('../support/mqtt-wire.js');
const { Running, place, temporary, twinsim, up } = require('../support/twinsim.js');

const OBJECT = 'ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration';
const FIXTURE = path.resolve(__dirname, '../../fixtures/twins/security-default.json');

test('a detached hub is set up, changed, watched and stopped, and a second one on its directory shows the same twins', async (t) => {
  const hub = await place(t);
  const started = await hub.run('up', '--host', hub.host, '--detach');
  assert.equal(started.code, 0, started.stderr);
  const { caFile, hostname } = hub.file();
  assert.equal(started.stdout, `ready mqtts=${hub.host}:8883 hostname=${hostname} ca=${caFile} data=${hub.data}\n`);

  assert.equal(await hub.ok('device', 'create', 'edge-1'), 'created edge-1\n');
  assert.equal(await hub.ok('module', 'create', 'edge-1/azureiotsecurity'), 'created edge-1/azureiotsecurity\n');
  const key = sas.identityKey('edge-1/azureiotsecurity').toString('base64');
  assert.equal(await hub.ok('connection-string', 'edge-1/azureiotsecurity'), `HostName=${hub.host};DeviceId=edge-1;ModuleId=azureiotsecurity;SharedAccessKey=${key}\n`);

  const monitor = new Running(['monitor', '--data', hub.data, '--json', '--ready', '--count', '1']);
  await monitor.shows(/listening/, 'stderr');
  const updated = await hub.json('twin', 'update', 'edge-1/azureiotsecurity', '--desired', '{"interval":30,"old":null}');
  assert.deepEqual({ interval: updated.properties.desired.interval, version: updated.version }, { interval: 30, version: 3 });
  const watched = await monitor.ended;
  assert.equal(watched.code, 0, watched.stderr);
  const event = JSON.parse(watched.stdout);
  assert.deepEqual([event.kind, event.device, event.module, event.patch], ['desired', 'edge-1', 'azureiotsecurity', { interval: 30, old: null }]);

  const twin = await hub.json('twin', 'show', 'edge-1/azureiotsecurity');
  assert.equal(twin.properties.desired.$version, 2);
  assert.ok(twin.properties.desired.$metadata, 'the service sees metadata');
  const history = await hub.json('twin', 'history', 'edge-1/azureiotsecurity');
  assert.deepEqual(history.map((row) => [row.kind, row.version]), [['patched', 3], ['created', 2]]);

  assert.equal((await hub.run('down')).stdout, `stopped the hub on ${hub.data}\n`);
  assert.ok(!fs.existsSync(path.join(hub.data, 'hub.json')), 'hub.json goes with the hub');
  hub.checkLog();

  assert.equal((await hub.run('up', '--host', hub.host, '--detach')).code, 0);
  assert.deepEqual(await hub.json('twin', 'show', 'edge-1/azureiotsecurity'), twin);
  assert.equal((await hub.run('down')).code, 0);
  hub.checkLog();
});

test('devices and modules are created, shown, listed, changed, given new keys and deleted', async (t) => {
  const hub = await up(t);
  await hub.ok('device', 'create', 'b', '--status', 'disabled', '--status-reason', 'not yet', '--edge');
  await hub.ok('device', 'create', 'a', '--twin', '{"tags":{"site":"attic"}}');
  await hub.ok('module', 'create', 'a/m1');
  await hub.ok('module', 'create', 'a/m2', '--twin', `@${FIXTURE}`);

  const b = await hub.json('device', 'show', 'b');
  assert.deepEqual([b.status, b.statusReason, b.capabilities.iotEdge, b.connectionState], ['disabled', 'not yet', true, 'Disconnected']);
  assert.equal((await hub.json('twin', 'show', 'a')).tags.site, 'attic');
  assert.equal((await hub.json('twin', 'show', 'a/m2')).properties.desired[OBJECT].snapshotFrequency.value, 'PT13H');
  assert.deepEqual((await hub.json('device', 'list')).map((d) => d.deviceId), ['a', 'b']);
  assert.deepEqual((await hub.json('module', 'list', 'a')).map((m) => m.moduleId), ['m1', 'm2']);
  assert.match(await hub.ok('device', 'list'), /^DEVICE +STATUS +CONNECTION\na +enabled +Disconnected\nb +disabled +Disconnected\n$/);

  await hub.ok('device', 'update', 'b', '--status-reason', 'a\u001b[2Jb\u009bc');
  assert.match(await hub.ok('device', 'show', 'b'), /status +disabled \(a\?\[2Jb\?c\)\n/, 'no text can move the cursor');
  const changed = await hub.json('device', 'update', 'b', '--status', 'enabled', '--clear-status-reason', '--edge', 'no');
  assert.deepEqual([changed.status, changed.statusReason, changed.capabilities.iotEdge], ['enabled', undefined, false]);
  const before = (await hub.json('module', 'show', 'a/m1')).authentication.symmetricKey;
  const swapped = (await hub.json('device', 'renew-key', 'a/m1', '--key', 'swap')).authentication.symmetricKey;
  assert.deepEqual([swapped.primaryKey, swapped.secondaryKey], [before.secondaryKey, before.primaryKey]);
  const renewed = (await hub.json('device', 'renew-key', 'a/m1')).authentication.symmetricKey;
  assert.deepEqual([renewed.primaryKey === swapped.primaryKey, renewed.secondaryKey], [false, swapped.secondaryKey]);

  assert.equal(await hub.ok('module', 'delete', 'a/m1'), 'deleted a/m1\n');
  assert.equal(await hub.ok('device', 'delete', 'a'), 'deleted a\n');
  assert.equal((await hub.run('module', 'show', 'a/m2')).code, 5, 'a device takes its modules with it');
  assert.deepEqual((await hub.json('device', 'list')).map((d) => d.deviceId), ['b']);
});

test('a list longer than a page is whole, and in order', async (t) => {
  const dir = temporary(t);
  const ids = Array.from({ length: 230 }, (_, i) => `d-${String(i).padStart(3, '0')}`);
  fs.writeFileSync(path.join(dir, 'many.json'), JSON.stringify(ids.map((deviceId) => ({ deviceId }))));
  const hub = await up(t, { args: ['--seed', path.join(dir, 'many.json'), '--quiet'] });
  assert.deepEqual((await hub.json('device', 'list')).map((d) => d.deviceId), ids);
});

test('a history longer than a page is whole, newest first, and --top cuts it', async (t) => {
  const hub = await up(t, { args: ['--quiet'] });
  await hub.ok('device', 'create', 'd');
  const service = await serviceOf(t, hub);
  for (let i = 0; i < 130; i++) await service({ command: 'twin.update', deviceId: 'd', patch: { properties: { desired: { i } } } });
  const all = await hub.json('twin', 'history', 'd', '--top', '1000');
  assert.deepEqual(all.map((row) => row.version), Array.from({ length: 131 }, (_, i) => 132 - i));
  assert.equal((await hub.json('twin', 'history', 'd', '--top', '120')).length, 120);
  assert.equal((await hub.ok('twin', 'history', 'd')).trim().split('\n').length, 21, 'a heading and twenty rows');
});

/** Commands over a socket of our own, for tests that need many. */
async function serviceOf(t, hub) {
  const { socket } = hub.file();
  const client = await Client.connect({
    path: socket, clientId: `service//${Math.random()}`, username: 'iothubowner@sas.root.twinsim',
    password: sas.token({ sr: hub.host, key: sas.policyKey('iothubowner'), skn: 'iothubowner' }),
  });
  t.after(() => client.stream.destroy());
  return async (command) => {
    await client.publish('$CONTROL/twinsim/v1', JSON.stringify({ commands: [command] }), { qos: 1 });
    return JSON.parse((await client.message('$CONTROL/twinsim/v1/response')).payload).responses[0];
  };
}

test('twins are patched and replaced from text, file and standard input, under an etag when one is given', async (t) => {
  const hub = await up(t);
  const dir = temporary(t);
  await hub.ok('device', 'create', 'd');
  fs.writeFileSync(path.join(dir, 'p.json'), '{ // a patch\n  "a": 1, "b": {"c": 2},\n}\n');
  const first = await hub.json('twin', 'update', 'd', '--desired', `@${path.join(dir, 'p.json')}`, '--tags', '{"t":1}');
  assert.deepEqual([first.properties.desired.a, first.properties.desired.b.c, first.tags.t], [1, 2, 1]);
  const second = await hub.json('twin', 'update', 'd', '--desired', '-', { input: '{"b":null}' });
  assert.deepEqual([second.properties.desired.a, second.properties.desired.b], [1, undefined]);
  const stale = await hub.run('twin', 'replace', 'd', '--desired', '{"z":1}', '--etag', 'AAAAAAAAAAE=', '--json');
  assert.equal(stale.code, 5);
  assert.equal(JSON.parse(stale.stderr).error.code, 412001);
  const replaced = await hub.json('twin', 'replace', 'd', '--desired', '{"z":1}');
  const { $metadata, $version, ...desired } = replaced.properties.desired;
  assert.deepEqual([desired, replaced.tags ?? {}], [{ z: 1 }, {}]);
  const text = await hub.ok('twin', 'show', 'd');
  assert.match(text, /^d {2}enabled, Disconnected, version \d+, etag \S+\ntags\n\{\}\ndesired, \$version \d+\n\{\n {2}"z": 1\n\}\nreported, \$version 1\n\{\}\n$/);
});

test('security init creates, populates or leaves the module, and says which for each device (facts S-15)', async (t) => {
  const hub = await up(t);
  for (const id of ['new', 'bare', 'own']) await hub.ok('device', 'create', id);
  await hub.ok('module', 'create', 'bare/azureiotsecurity');
  await hub.ok('module', 'create', 'own/azureiotsecurity');
  await hub.ok('twin', 'update', 'own/azureiotsecurity', '--desired', JSON.stringify({ [OBJECT]: { snapshotFrequency: { value: 'PT1H' } } }));
  assert.deepEqual((await hub.json('security', 'init', '--all')).map((r) => [r.deviceId, r.outcome]), [['bare', 'populated'], ['new', 'created'], ['own', 'left']]);

  const published = JSON.parse(fs.readFileSync(FIXTURE, 'utf8'));
  for (const id of ['new', 'bare']) {
    const twin = await hub.json('twin', 'show', `${id}/azureiotsecurity`);
    assert.deepEqual(twin.tags, { securityGroup: 'default' });
    assert.deepEqual(twin.properties.desired[OBJECT], published.properties.desired[OBJECT]);
    assert.deepEqual([twin.version, twin.properties.desired.$version, twin.properties.reported.$version], [3, 2, 1], 'the counters of a twin written once');
  }
  const own = await hub.json('twin', 'show', 'own/azureiotsecurity');
  assert.deepEqual([own.properties.desired[OBJECT], own.tags ?? {}], [{ snapshotFrequency: { value: 'PT1H' } }, {}]);
  assert.equal(await hub.ok('security', 'init', 'new'), 'new: azureiotsecurity has a configuration; left it as it is\n');
  const missing = await hub.run('security', 'init', 'nobody');
  assert.equal(missing.code, 5);
  assert.match(missing.stderr, /nobody/);
});

test('a connection string and a token log a device in, by address and by host name', async (t) => {
  const hub = await up(t);
  await hub.ok('device', 'create', "it's");
  const ca = fs.readFileSync(hub.file().caFile);
  const login = (username, password) => Client.connect({ host: hub.host, port: 8883, ca, clientId: "it's", username, password });

  const key = /SharedAccessKey=(.*)\n/.exec(await hub.ok('connection-string', "it's", '--key', 'secondary'))[1];
  const sr = sas.scope(hub.host, "it's");
  let device = await login(`${hub.host}/it's/?api-version=2021-04-12`, sas.token({ sr, key: Buffer.from(key, 'base64') }));
  assert.equal(device.connack.code, 0);
  device.stream.destroy();

  const token = (await hub.ok('sas-token', "it's", '--ttl', '2m', '--gateway-host')).trim();
  assert.match(token, /^SharedAccessSignature sr=twinsim\.azure-devices\.test%2F/);
  const left = Number(/se=(\d+)/.exec(token)[1]) - Date.now() / 1000;
  assert.ok(left > 60 && left <= 120, `good for two minutes: ${left} s`);
  device = await login("twinsim.azure-devices.test/it's/?api-version=2021-04-12", token);
  assert.equal(device.connack.code, 0);
  device.stream.destroy();

  assert.match(await hub.ok('connection-string', "it's", '--gateway-host'), new RegExp(`^HostName=twinsim.azure-devices.test;DeviceId=it's;SharedAccessKey=[^;]+;GatewayHostName=${hub.host}\n$`));
  const service = sas.policyKey('service').toString('base64');
  assert.equal(await hub.ok('connection-string', '--policy', 'service'), `HostName=${hub.host};SharedAccessKeyName=service;SharedAccessKey=${service}\n`);
});

test('a shell takes what env prints as it stands, quotes and blanks in paths included', async (t) => {
  const ca = path.join(temporary(t), "it's a  CA $HOME `x`");
  const hub = await up(t, { args: ['--ca', ca] });
  await hub.ok('device', 'create', "it's");
  const lines = await hub.ok('env', "it's");
  const out = execFileSync('sh', ['-c', `${lines}printf '%s\\n' "$IOTHUB_DEVICE_CONNECTION_STRING" "$IOTHUB_DEVICE_SECURITY_TYPE" "$SSL_CERT_FILE" "$NODE_EXTRA_CA_CERTS" "$REQUESTS_CA_BUNDLE" "$AZ_IOT_DEVICE_X509_TRUST_PEM_FILE_PATH"`]).toString().split('\n');
  const file = path.join(ca, 'ca.pem');
  assert.deepEqual(out, [(await hub.ok('connection-string', "it's")).trim(), 'connectionString', file, file, file, file, '']);
});

test('a value that cannot be keeps the whole import out, before it is asked who exists', async (t) => {
  const hub = await up(t);
  const dir = temporary(t);
  await hub.ok('device', 'create', 'b');
  fs.writeFileSync(path.join(dir, 'a.json'), '{ "deviceId": "a" }');
  for (const [text, what] of [
    ['// a comment\n{ "deviceId": "b", "status": "asleep" }', /b\.json:2:1: b: .*status/],
    ['[ { "deviceId": "b" },\n  { "deviceId": "c", "tags": [] } ]', /b\.json:2:3: c: .*tags/],
    ['{ "deviceId": "b", "authentication": { "symmetricKey": { "primaryKey": "short" } } }', /b\.json:1:1: b: .*[Kk]ey/]]) {
    fs.writeFileSync(path.join(dir, 'b.json'), text);
    for (const args of [['import', dir], ['import', dir, '--keep']]) {
      const { code, stdout, stderr } = await hub.run(...args);
      assert.deepEqual([code, stdout], [3, ''], `${text} ${stderr}`);
      assert.match(stderr, what);
    }
  }
  assert.deepEqual((await hub.json('device', 'list')).map((d) => d.deviceId), ['b']);
  const seeded = await hub.run('up', '--seed', dir, '--host', hub.host);
  assert.deepEqual([seeded.code, /b\.json:1:1: b: /.test(seeded.stderr)], [3, true]);
});

test('what export writes, another hub imports: the same identities, keys, twins and counters', async (t) => {
  const one = await up(t, { args: ['--quiet'] });
  const long = `${'x'.repeat(100)}.y.${'%'.repeat(20)}`;
  for (const id of ['edge.1', long]) await one.ok('device', 'create', id);
  await one.ok('security', 'init', 'edge.1');
  await one.ok('twin', 'update', long, '--desired', '{"n":1.10,"big":4503599627370495}', '--tags', '{"t":"ü"}');
  const dir = path.join(temporary(t), 'made/for/it');
  assert.equal(await one.ok('export', dir), `exported 3 identities to ${dir}\n`);
  const files = fs.readdirSync(dir).sort();
  assert.equal(files.length, 3);
  assert.ok(files.includes('edge%2E1%2Fazureiotsecurity.json') && files.includes('edge%2E1.json'), String(files));
  const other = files.find((f) => f.startsWith('xxx'));
  assert.match(other, /^.{150}~[0-9a-f]{16}\.json$/);
  for (const f of files) assert.equal(fs.statSync(path.join(dir, f)).mode & 0o777, 0o600, 'it holds keys');
  assert.equal(fs.statSync(dir).mode & 0o777, 0o700);

  const two = await up(t, { args: ['--quiet'] });
  assert.equal(await two.ok('import', dir), 'imported 3 identities\n');
  for (const id of ['edge.1', 'edge.1/azureiotsecurity', long]) assert.deepEqual(await two.json('twin', 'show', id), await one.json('twin', 'show', id));
  assert.deepEqual(await two.json('device', 'show', long), await one.json('device', 'show', long));
  assert.match(await two.ok('twin', 'show', long, '--json'), /"n": 1\.10,\n[^]*"big": 4503599627370495/);

  const again = await two.run('import', dir);
  assert.equal(again.code, 5);
  assert.match(again.stderr, /add --replace, or --keep/);
  assert.equal(await two.ok('import', dir, '--keep'), 'imported 0 identities, left the others as they are\n');
  await two.ok('twin', 'update', 'edge.1', '--desired', '{"changed":true}');
  assert.equal(await two.ok('import', dir, '--replace'), 'imported 3 identities\n');
  assert.deepEqual(await two.json('twin', 'show', 'edge.1'), await one.json('twin', 'show', 'edge.1'));
  const three = path.join(temporary(t), 'again');
  await two.ok('export', three);
  for (const f of files) assert.equal(fs.readFileSync(path.join(three, f), 'utf8'), fs.readFileSync(path.join(dir, f), 'utf8'), `${f} is the same text`);
});

test('seeds make what is missing, parents too, with derived keys, and leave what is there alone', async (t) => {
  const dir = temporary(t);
  fs.writeFileSync(path.join(dir, 'a.jsonc'), '// two at once\n[{"deviceId":"a","tags":{"n":1}},{"deviceId":"p","moduleId":"m","properties":{"desired":{"x":1}}}]');
  const hub = await up(t, { args: ['--seed', path.join(dir, 'a.jsonc')] });
  assert.equal((await hub.json('twin', 'show', 'a')).tags.n, 1);
  assert.equal((await hub.json('twin', 'show', 'p/m')).properties.desired.x, 1);
  assert.equal((await hub.json('module', 'show', 'p/m')).authentication.symmetricKey.primaryKey, sas.identityKey('p/m').toString('base64'));
  await hub.ok('twin', 'update', 'a', '--tags', '{"n":2}');
  assert.equal((await hub.stop()).code, 0);
  fs.writeFileSync(path.join(dir, 'b.json'), '{"deviceId":"b"}');
  await hub.start('--seed', dir);
  assert.equal((await hub.json('twin', 'show', 'a')).tags.n, 2);
  assert.equal((await hub.json('device', 'list')).length, 3);
});

test('monitor shows one identity, or all, for people and as JSON without a gap', async (t) => {
  const hub = await up(t);
  await hub.ok('device', 'create', 'a');
  await hub.ok('device', 'create', 'b');
  await hub.ok('module', 'create', 'b/m');
  const watch = (...args) => new Running(['monitor', ...args, '--data', hub.data, '--ready']);
  const [all, one, module] = [watch('--json', '--count', '3'), watch('b', '--count', '1'), watch('b/m', '--json', '--count', '1')];
  for (const m of [all, one, module]) await m.shows(/listening/, 'stderr');
  await hub.ok('twin', 'update', 'a', '--desired', '{"v":"\\u001b[2J\\u009b"}');
  await hub.ok('twin', 'update', 'b/m', '--desired', '{"v":2}');
  await hub.ok('twin', 'update', 'b', '--desired', '{"v":"a \\"b\\" c"}');
  const events = (await all.ended).stdout.trim().split('\n').map((line) => JSON.parse(line));
  assert.deepEqual(events.map((e) => [e.device, e.module, e.kind]), [['a', undefined, 'desired'], ['b', 'm', 'desired'], ['b', undefined, 'desired']]);
  assert.deepEqual(events.map((e) => e.seq - events[0].seq), [0, 1, 2]);
  assert.match((await one.ended).stdout, /^\d\d:\d\d:\d\d\.\d+ +b +desired +version=2 patch=\{"v":"a \\"b\\" c"\}.*\n$/);
  assert.deepEqual(JSON.parse((await module.ended).stdout).patch, { v: 2 });
  const shown = (await hub.stop()).stdout;
  assert.doesNotMatch(shown, /[\u001b\u007f-\u009f]/, 'no text can move the cursor');
  assert.match(shown, /\\u009b/);
  assert.match(shown, / a +desired /);
});

test('a monitor of somebody who is not there says so, and waits', async (t) => {
  const hub = await up(t);
  for (const [id, says] of [['nobody', "there is no device 'nobody' yet"], ['nobody/m', "there is no module 'nobody/m' yet"]]) {
    const monitor = new Running(['monitor', id, '--count', '1', '--data', hub.data, '--ready']);
    await monitor.shows(/listening/, 'stderr');
    await hub.ok(id.includes('/') ? 'module' : 'device', 'create', id);
    const { code, stdout, stderr } = await monitor.ended;
    assert.equal(code, 0);
    assert.ok(stderr.includes(says), stderr);
    assert.match(stdout, /created/);
  }
});

test('a monitor whose hub stops says so and ends with 4', async (t) => {
  const hub = await up(t);
  const monitor = new Running(['monitor', '--data', hub.data, '--ready']);
  await monitor.shows(/listening/, 'stderr');
  await hub.stop();
  const { code, stderr } = await monitor.ended;
  assert.equal(code, 4);
  assert.match(stderr, /the hub has stopped, or was lost/);
});

test('fault add, list and clear; clock now, advance, freeze and resume', async (t) => {
  const hub = await up(t);
  await hub.ok('device', 'create', 'd');
  assert.equal(await hub.ok('fault', 'add', 'status', 'd', '--status', '429', '--times', '3'), 'fault 1: status, on d\n');
  assert.equal(await hub.ok('fault', 'add', 'throttle', '--tier', 'S1'), 'fault 2: throttle, on everybody\n');
  assert.equal(await hub.ok('fault', 'add', 'version', 'd*', '--by', '-1', '--probability', '0.5', '--seed', '7'), 'fault 3: version, on d*\n');
  assert.equal(await hub.ok('fault', 'list'), [
    'id=1  deviceId=d  type=status  times=3  status=429  injected=0',
    'id=2  type=throttle  tier=S1  injected=0',
    'id=3  on=d*  type=version  seed=7  probability=0.5  by=-1  injected=0', ''].join('\n'));
  assert.deepEqual(JSON.parse(await hub.ok('fault', 'list', '--json'))[1], { id: 2, type: 'throttle', tier: 'S1', injected: 0 });
  assert.equal(await hub.ok('fault', 'clear', '2'), 'cleared 1\n');
  assert.equal(await hub.ok('fault', 'clear'), 'cleared 2\n');
  assert.equal(await hub.ok('fault', 'list'), '');
  assert.match(await hub.ok('clock', 'now'), /^\d{4}-\d\d-\d\dT[\d:.]+Z \(\+0\.000 s\)\n$/);
  assert.match(await hub.ok('clock', 'advance', '1h'), / \(\+3600\.000 s\)\n$/);
  assert.match(await hub.ok('clock', 'freeze'), /, standing still\)\n$/);
  assert.match(await hub.ok('clock', 'resume'), / \(\+3[56]\d\d\.\d{3} s\)\n$/);
  assert.equal(JSON.parse(await hub.ok('clock', 'advance', '--json', '30m')).frozen, false);
});

test('fault add disconnect closes a live connection and says when there was none', async (t) => {
  const hub = await up(t);
  await hub.ok('device', 'create', 'd');
  assert.equal(await hub.ok('fault', 'add', 'disconnect', 'd'), 'd was not connected\n');
  const device = await Client.connect({
    host: hub.host, port: 8883, ca: fs.readFileSync(hub.file().caFile), clientId: 'd', username: `${hub.host}/d/?api-version=2021-04-12`,
    password: (await hub.ok('sas-token', 'd')).trim(),
  });
  assert.equal(device.connack.code, 0);
  const closed = new Promise((resolve) => device.stream.once('close', resolve));
  assert.equal(await hub.ok('fault', 'add', 'disconnect', 'd'), 'closed the connection of d\n');
  await closed;
});

test('method invoke prints what the device answers, and what keeps it from answering', async (t) => {
  const hub = await up(t);
  await hub.ok('device', 'create', 'd');
  const away = await hub.run('method', 'invoke', 'd', 'reboot');
  assert.deepEqual([away.code, away.stdout], [5, '']);
  assert.match(away.stderr, /Timed out waiting for device to connect/);
  const device = await Client.connect({
    host: hub.host, port: 8883, ca: fs.readFileSync(hub.file().caFile), clientId: 'd', username: `${hub.host}/d/?api-version=2021-04-12`,
    password: (await hub.ok('sas-token', 'd')).trim(),
  });
  const invoked = hub.ok('method', 'invoke', 'd', 'setLevel', '--payload', '{"level":3}', '--timeout', '20s', '--connect-timeout', 'PT1M');
  await device.subscribe('$iothub/methods/POST/#');
  const call = await device.message('$iothub/methods/POST/setLevel/?$rid=');
  assert.equal(call.payload.toString(), '{"level":3}');
  const without = hub.ok('method', 'invoke', 'd', 'plain');
  const plain = await device.message('$iothub/methods/POST/plain/');
  assert.equal(plain.payload.toString(), '{}');
  await device.publish(`$iothub/methods/res/200/?$rid=${plain.topic.split('=')[1]}`, '');
  assert.deepEqual(JSON.parse(await without), { status: 200, payload: null });
  await device.publish(`$iothub/methods/res/409/?$rid=${call.topic.split('=')[1]}`, '{"level":2}');
  assert.deepEqual(JSON.parse(await invoked), { status: 409, payload: { level: 2 } });
  for (const [args, said] of [
    [['--timeout', '1500ms'], /--timeout is a number of whole seconds such as 30s, not '1500ms'/],
    [['--connect-timeout', 'soon'], /--connect-timeout is a number of whole seconds/],
    [['--payload', '{'], /--payload is no JSON/],
  ]) {
    const r = await hub.run('method', 'invoke', 'd', 'm', ...args);
    assert.equal(r.code, 2, args.join(' '));
    assert.match(r.stderr, said);
  }
  assert.match((await hub.run('method', 'invoke', 'd', 'm', '--timeout', '4s')).stderr, /--timeout is 5s to 300s, not .4s./);
  await device.disconnect();
});

test('what the hub refuses ends with 5 and the hub\'s own error, as text or as JSON', async (t) => {
  const hub = await up(t);
  const rows = [
    [['device', 'show', 'nobody'], 404001],
    [['twin', 'show', 'nobody/m'], 404001],
    [['connection-string', 'nobody'], 404001],
    [['module', 'create', 'nobody/m'], 404001],
    [['device', 'create', 'x', '--primary-key', 'short', '--secondary-key', 'short'], 400004],
    [['twin', 'update', 'd', '--desired', '{"a.b":1}'], 400004],
    [['device', 'create', 'd'], 409001],
  ];
  await hub.ok('device', 'create', 'd');
  for (const [args, code] of rows) {
    const hasJson = args[0] !== 'connection-string';
    const plain = await hub.run(...args);
    assert.equal(plain.code, 5, args.join(' '));
    assert.match(plain.stderr, /^twinsim: .+\n$/, args.join(' '));
    assert.equal(plain.stdout, '');
    if (hasJson) assert.equal(JSON.parse((await hub.run(...args, '--json')).stderr).error.code, code, args.join(' '));
  }
});

test('no key and no token stands in a log, an event, a status or a table', async (t) => {
  const hub = await up(t, { args: ['--keys', 'fresh'] });
  await hub.ok('device', 'create', 'd');
  await hub.ok('security', 'init', 'd');
  const { primaryKey, secondaryKey } = (await hub.json('device', 'show', 'd')).authentication.symmetricKey;
  const token = (await hub.ok('sas-token', 'd')).trim();
  const ca = fs.readFileSync(hub.file().caFile);
  const login = (password) => Client.connect({ host: hub.host, port: 8883, ca, clientId: 'd', username: `${hub.host}/d/?api-version=2021-04-12`, password });
  const device = await login(token);
  assert.equal(device.connack.code, 0);
  assert.equal((await login(`${token}0`)).connack.code, 5, 'a refused one, too');
  device.stream.destroy();
  const shown = [await hub.ok('device', 'show', 'd'), await hub.ok('device', 'list'), await hub.ok('status', '--json'), await hub.ok('health'), await hub.ok('twin', 'history', 'd', '--json')];
  const seed = fs.readFileSync(path.join(hub.data, 'keys.seed'), 'utf8');
  const service = /SharedAccessKey=([^;]+)/.exec(hub.file().serviceConnectionString)[1];
  const { stdout, stderr } = await hub.stop();
  const everything = [...shown, stdout, stderr, hub.log(), fs.readFileSync(path.join(hub.data, 'broker.conf'), 'utf8'), fs.readFileSync(path.join(hub.data, 'plugin.json'), 'utf8')].join('\n');
  assert.match(everything, /refused/, 'the refusal is there');
  for (const secret of [primaryKey, secondaryKey, service, seed, /sig=([^&]+)/.exec(token)[1]]) assert.ok(!everything.includes(secret), 'a secret was shown');
  for (const f of fs.readdirSync(hub.data)) {
    const { mode } = fs.statSync(path.join(hub.data, f));
    assert.equal(mode & (f === 'server.pem' ? 0o022 : 0o077), 0, `${f} is private`);
  }
  assert.equal(fs.statSync(hub.data).mode & 0o777, 0o700);
});

test('status and health tell a running hub, a stopped one and one that does not answer apart', async (t) => {
  const hub = await up(t);
  assert.deepEqual(await hub.json('health'), { healthy: true, broker: 'ok', plugin: 'ok', store: 'ok', gateway: 'ok' });
  const status = await hub.json('status');
  assert.equal(status.gatewayPid, hub.file().gatewayPid);
  assert.deepEqual([status.host, status.mqttsPort, status.healthy, status.dataDir, status.durability], [hub.host, 8883, true, hub.data, 'process']);
  assert.match(await hub.ok('status'), new RegExp(`address +${hub.host}:8883`));

  process.kill(hub.file().brokerPid, 'SIGSTOP');
  const stuck = await hub.run('health');
  process.kill(hub.file().brokerPid, 'SIGCONT');
  assert.equal(stuck.code, 1);
  assert.match(stuck.stdout, /broker +\S.*does not answer/);

  await hub.stop();
  const gone = await hub.run('health', '--json');
  assert.equal(gone.code, 1);
  assert.equal(JSON.parse(gone.stdout).healthy, false);
  assert.equal((await hub.run('status')).code, 4);
  assert.match((await hub.run('down')).stdout, /^no hub runs on /);
});

test('messages are sent, listed and purged, and feedback is fetched once', async (t) => {
  const hub = await up(t);
  await hub.ok('device', 'create', 'd');
  const file = path.join(hub.data, 'bytes');
  fs.writeFileSync(file, Buffer.from([0, 1, 255]));
  const sent = JSON.parse(await hub.ok('message', 'send', 'd', '--body', 'turn on', '--property', 'level=3', '--property', 'bare', '--property', 'empty=', '--ack', 'full', '--message-id', 'm-1',
    '--correlation-id', 'c 1', '--user-id', 'u', '--content-type', 'text/plain', '--content-encoding', 'utf-8', '--expiry', '10m', '--json'));
  assert.equal(sent.messageId, 'm-1');
  assert.equal(Date.parse(sent.expiryTimeUtc) - Date.parse(sent.enqueuedTimeUtc), 600000);
  assert.equal(await hub.ok('message', 'send', 'd', '--body', `@${file}`, '--expiry', '2040-01-01T00:00:00Z'), 'message 2 waits until 2040-01-01T00:00:00Z\n');
  const [first, second, ...more] = JSON.parse(await hub.ok('message', 'list', 'd', '--json'));
  assert.deepEqual(more, []);
  assert.deepEqual(first.properties, { level: '3', bare: null, empty: '' });
  assert.deepEqual([first.system['message-id'], first.system['correlation-id'], first.system['user-id'], first.system['content-type'], first.system['content-encoding'], first.ack], ['m-1', 'c 1', 'u', 'text/plain', 'utf-8', 'full']);
  assert.deepEqual([Buffer.from(first.bodyBase64, 'base64').toString(), second.bodyBase64, second.expiryTimeUtc], ['turn on', 'AAH/', '2040-01-01T00:00:00Z']);
  assert.match(await hub.ok('message', 'list', 'd'), /^sequenceNumber=1 .*  bodyText="turn on"\nsequenceNumber=2 .*  bodyBase64=AAH\/\n$/);
  assert.equal(await hub.ok('message', 'purge', 'd'), '2 messages purged\n');
  assert.equal(await hub.ok('message', 'list', 'd'), '');
  assert.equal(await hub.ok('message', 'feedback'), '');
  await hub.ok('clock', 'advance', '15s');
  assert.equal(await hub.ok('message', 'send', 'd', '--expiry', '2020-01-01T00:00:00Z', '--message-id', 'late'),
    'message 4 (late) has expired already: its time was over at 2020-01-01T00:00:00Z\n');
  const [record, ...none] = JSON.parse(await hub.ok('message', 'feedback', '--json'));
  assert.deepEqual([record.originalMessageId, record.statusCode, none], ['m-1', 'Purged', []]);
  assert.equal(await hub.ok('message', 'feedback'), '');
  for (const [args, code, says] of [
    [['message', 'send', 'd', '--expiry', 'soon'], 2, /--expiry is a duration such as 5m/],
    [['message', 'send', 'd', '--ack', 'some'], 2, /ack/],
    [['message', 'send', 'd', '--body', '@/nowhere'], 3, /cannot be read/],
    [['message', 'send', 'd', '--property', 'a b=c'], 5, /a property's name and value/],
    [['message', 'send', 'nobody'], 5, /^twinsim: Device nobody not registered; see: twinsim device list\n$/],
    [['twin', 'show', 'd/m'], 5, /^twinsim: Module d\/m not registered; see: twinsim module list d\n$/],
    [['twin', 'show', 'd/m', '--json'], 5, /^\{"error":\{"code":404010,"message":"Module d\/m not registered"\}\}\n$/],
    [['fault', 'add', 'delay', 'd/m', '--delay', '1s'], 5, /; see: twinsim module list d\n$/],
    [['fault', 'clear', '99'], 5, /^twinsim: there never was a fault 99\n$/],
    [['message', 'send', 'd', '--input', 'in'], 5, /only modules have inputs/]]) {
    const r = await hub.run(...args);
    assert.equal(r.code, code, args.join(' '));
    assert.match(r.stderr, says);
  }
});
