// control.test.js - the control topic: commands in, one answer out; and what a service client may and may not do.
'use strict';
const assert = require('node:assert/strict');
const test = require('node:test');
const { startHub, CONTROL, sas } = require('../support/hub.js');
const { publishPacket } = require('../support/mqtt-wire.js');

const errorOf = (response) => [response.status, response.body.errorCode];

test('several commands in one message are answered in one, in order, each with its correlationData', async (t) => {
  const hub = await startHub(t);
  const s = await hub.service();
  const responses = await s.commands([
    { command: 'device.create', deviceId: 'a', correlationData: 'first' },
    { command: 'device.show', deviceId: 'a', correlationData: { any: ['json', 1.50] } },
    { command: 'device.show', deviceId: 'nobody' },
    { command: 'no.such' },
    { command: 'device.delete', deviceId: 'a' },
  ]);
  assert.deepEqual(responses.map((r) => [r.command, r.status]), [['device.create', 200], ['device.show', 200], ['device.show', 404], ['no.such', 400], ['device.delete', 200]]);
  assert.deepEqual([responses[0].correlationData, responses[1].correlationData], ['first', { any: ['json', 1.5] }]);
  assert.equal(responses[2].body.errorCode, 404001);
  assert.match(responses[2].body.message, /nobody/);
});

test('a message that is no list of commands is answered with one error', async (t) => {
  const hub = await startHub(t);
  const s = await hub.service();
  for (const text of ['', '{', '[]', '"x"', '{}', '{"commands":{}}', '{"commands":[],"more":1}', '\ufeff{"commands":[]}', '{"commands":[01]}', Buffer.from([0xff, 0xfe]), '['.repeat(100000)]) {
    await s.client.publish(CONTROL, text, { qos: 1 });
    const responses = await s.responses();
    assert.equal(responses.length, 1, String(text).slice(0, 40));
    assert.deepEqual([responses[0].command, responses[0].status, responses[0].body.errorCode], ['', 400, 400004]);
  }
  await s.client.publish(CONTROL, '{"commands":[]}', { qos: 1 });
  assert.deepEqual(await s.responses(), []);
});

test('commands that are no objects, or miss or misspell members, are refused one by one', async (t) => {
  const hub = await startHub(t);
  const s = await hub.service();
  await s.client.publish(CONTROL, JSON.stringify({ commands: [null, 1, 'x', [], {}, { command: 7 }, { command: 'twin.show' }, { command: 'device.create', deviceId: 'a', colour: 'red' }, { command: 'device.create', deviceId: 'a/b' }, { command: 'device.create', deviceId: '' }] }), { qos: 1 });
  const responses = await s.responses();
  assert.deepEqual(responses.map((r) => r.status), responses.map(() => 400));
  assert.equal(responses.length, 10);
  assert.match(responses[7].body.message, /colour/);
  assert.deepEqual((await s.command({ command: 'device.list' })).body.items, []);
});

test('only who asked sees the answer', async (t) => {
  const hub = await startHub(t);
  const [asker, other] = await Promise.all([hub.service(), hub.service()]);
  await other.client.subscribe(`${CONTROL}/response`, 1);
  await asker.command({ command: 'hub.status' });
  await other.client.ping();
  assert.deepEqual(other.client.messages(), []);
});

test('a policy may do what it has the right to, and nothing else (facts A-15)', async (t) => {
  const hub = await startHub(t);
  await hub.create('dev');
  const tries = {
    registryRead: { 'device.show': 200, 'device.create': 401, 'twin.show': 401, 'identity.export': 401 },
    registryReadWrite: { 'device.show': 200, 'device.create': 200, 'twin.show': 401, 'fault.add': 401 },
    service: { 'device.show': 401, 'device.create': 401, 'twin.show': 200, 'twin.update': 200 },
  };
  for (const [policy, expected] of Object.entries(tries)) {
    const s = await hub.service(policy);
    for (const [command, status] of Object.entries(expected)) {
      const deviceId = command === 'device.create' ? `made-by-${policy}` : 'dev';
      const more = { 'twin.update': { patch: { tags: { a: 1 } } }, 'fault.add': { type: 'disconnect' } }[command] ?? {};
      const response = await s.command({ command, deviceId, ...more });
      assert.equal(response.status, status, `${policy}: ${command}`);
      if (status === 401) assert.equal(response.body.errorCode, 401003);
    }
  }
});

test('a service client that publishes anywhere else is closed', async (t) => {
  const hub = await startHub(t);
  await hub.create('dev');
  for (const topic of ['devices/dev/messages/events/', '$iothub/twin/GET/?$rid=1', '$twinsim/v1/hub/clock', '$CONTROL/twinsim/v1/response', '$CONTROL/twinsim/v2', 'foo']) {
    const s = await hub.service();
    await s.client.publish(topic, 'x', { qos: 1 }).catch(() => {});
    await s.client.closed();
  }
});

test('devices are listed in byte order, page by page', async (t) => {
  const hub = await startHub(t);
  const s = await hub.service();
  const ids = Array.from({ length: 23 }, (_, i) => `d${String(i).padStart(2, '0')}`).concat(['A', 'z', '!', "x'y", 'x#y']);
  await s.commands(ids.map((deviceId) => ({ command: 'device.create', deviceId })));
  await s.command({ command: 'module.create', deviceId: 'A', moduleId: 'not-a-device' });
  const seen = [];
  for (let after; ;) {
    const { body } = await s.command({ command: 'device.list', top: 10, ...(after && { after }) });
    seen.push(...body.items.map((i) => i.deviceId));
    after = body.next;
    if (!after) break;
  }
  assert.deepEqual(seen, [...ids].sort());
});

test('fifty modules fit on a device, the next is refused (facts L-05)', async (t) => {
  const hub = await startHub(t);
  await hub.create('dev');
  const s = await hub.service();
  const responses = await s.commands(Array.from({ length: 51 }, (_, i) => ({ command: 'module.create', deviceId: 'dev', moduleId: `m${i}` })));
  assert.deepEqual(responses.map((r) => r.status), [...Array(50).fill(200), 413]);
  assert.equal(responses[50].body.errorCode, 413003);
  assert.equal((await s.command({ command: 'module.list', deviceId: 'dev' })).body.items.length, 50);
});

test('deleting a device closes it and its modules, and takes their twins along', async (t) => {
  const hub = await startHub(t);
  await hub.create('dev/mod');
  const events = await hub.listen();
  const device = await hub.device('dev', { clean: false });
  const module = await hub.device('dev/mod', { clean: false });
  await device.subscribe('$iothub/twin/res/#');
  await device.twinPatch('1', { old: true });
  await hub.ok({ command: 'device.delete', deviceId: 'dev' });
  await Promise.all([device.closed(), module.closed()]);
  await events.event('deleted', (e) => e.device === 'dev' && !e.module);
  assert.equal((await events.event('disconnected', (e) => e.device === 'dev' && !e.module)).reason, 'identity');
  assert.deepEqual(errorOf(await hub.command({ command: 'twin.show', deviceId: 'dev' })), [404, 404001]);
  assert.equal((await hub.connect(hub.login('dev', { clean: false }))).connack.code, 5);
  await hub.create('dev');
  const again = await hub.device('dev', { clean: false });
  await again.publish('$iothub/twin/GET/?$rid=1', '', { qos: 1 });
  await again.ping();
  assert.deepEqual(again.messages(), [], 'the old subscriptions are gone with the old identity');
  assert.deepEqual(Object.keys((await hub.twin('dev')).properties.reported), ['$metadata', '$version']);
});

test('a fault disconnects a device, once, and says so', async (t) => {
  const hub = await startHub(t);
  await hub.create('dev');
  const events = await hub.listen();
  const c = await hub.device('dev');
  assert.equal((await hub.ok({ command: 'fault.add', deviceId: 'dev', type: 'disconnect' })).closed, true);
  await c.closed();
  assert.equal((await events.event('fault')).type, 'disconnect');
  assert.equal((await events.event('disconnected')).reason, 'fault');
  assert.equal((await hub.ok({ command: 'fault.add', deviceId: 'dev', type: 'disconnect' })).closed, false);
  await hub.device('dev');
});

test('a desired change that a command caused carries its correlationData as the cause', async (t) => {
  const hub = await startHub(t);
  await hub.create('dev');
  const events = await hub.listen();
  const c = await hub.device('dev');
  await c.subscribe('$iothub/twin/PATCH/properties/desired/#');
  await hub.ok({ command: 'twin.update', deviceId: 'dev', patch: { properties: { desired: { a: 1 } } }, correlationData: 'why-1' });
  const e = await events.event('desired');
  assert.deepEqual([e.cause, e.version, e.patch, e.delivered], ['why-1', 2, { a: 1 }, true]);
});

test('a wrong etag refuses a service write with 412 (facts T-23)', async (t) => {
  const hub = await startHub(t);
  await hub.create('dev');
  const { etag } = await hub.twin('dev');
  const write = (more) => hub.command({ command: 'twin.update', deviceId: 'dev', patch: { tags: { a: 1 } }, ...more });
  assert.equal((await write({ etag })).status, 200);
  assert.deepEqual(errorOf(await write({ etag })), [412, 412001]);
  assert.equal((await write({ etag: '*' })).status, 200);
});

test('history shows the changes of a twin, newest first, page by page, and no keys', async (t) => {
  const hub = await startHub(t);
  await hub.create('dev');
  const c = await hub.device('dev');
  await c.subscribe('$iothub/twin/res/#');
  for (let n = 1; n <= 5; n++) await c.twinPatch(`p${n}`, { n });
  await hub.desired('dev', { x: 1 });
  const page = await hub.ok({ command: 'twin.history', deviceId: 'dev', top: 4 });
  assert.deepEqual(page.items.map((i) => i.kind), ['patched', 'reported', 'reported', 'reported']);
  assert.deepEqual(page.items[1].body, { n: 5 });
  const rest = await hub.ok({ command: 'twin.history', deviceId: 'dev', before: page.next });
  assert.deepEqual(rest.items.map((i) => i.kind), ['reported', 'reported', 'created']);
  assert.equal(rest.next, undefined);
  assert.ok(!JSON.stringify([page, rest]).includes(sas.identityKey('dev').toString('base64')));
});

test('what export gives, import takes, byte for byte', async (t) => {
  const hub = await startHub(t);
  await hub.create('dev/mod');
  await hub.update('dev/mod', { tags: { a: 1.50 }, properties: { desired: { deep: { er: [1, 2] } } } });
  const one = await hub.ok({ command: 'identity.export', deviceId: 'dev', moduleId: 'mod' });
  assert.deepEqual(errorOf(await hub.command({ command: 'identity.import', identity: one })).at(0), 409);
  await hub.ok({ command: 'identity.import', identity: one, replace: true });
  assert.deepEqual(await hub.ok({ command: 'identity.export', deviceId: 'dev', moduleId: 'mod' }), one);
  const other = await startHub(t);
  await other.create('dev');
  await other.ok({ command: 'identity.import', identity: one });
  assert.deepEqual(await other.ok({ command: 'identity.export', deviceId: 'dev', moduleId: 'mod' }), one);
});

test('a message of two thousand commands holds nobody up', async (t) => {
  const hub = await startHub(t, { maxPacketSize: 4000000 });
  await hub.create('dev');
  const c = await hub.device('dev');
  await c.subscribe('$iothub/twin/res/#');
  const s = await hub.service();
  const all = s.commands(Array.from({ length: 2000 }, (_, i) => ({ command: 'device.create', deviceId: `many-${i}` })), { ms: 60000 });
  let isDone = false, between = 0;
  all.then(() => (isDone = true));
  while (!isDone) {
    assert.equal((await c.twinGet(`g${between}`)).status, 200);
    between++;
  }
  assert.ok(between > 5, `${between} twins were read meanwhile`);
  assert.ok((await all).every((r) => r.status === 200));
  assert.equal((await hub.ok({ command: 'hub.status' })).identities, 2001);
});

test('a message of more than ten thousand commands is refused whole', async (t) => {
  const hub = await startHub(t);
  const s = await hub.service();
  const responsesTo = async (n) => {
    await s.client.publish(CONTROL, `{"commands":[${Array(n).fill('{"command":"device.create","deviceId":"d"}').join()}]}`, { qos: 1 });
    return s.responses();
  };
  assert.deepEqual((await responsesTo(10001)).map(errorOf), [[400, 400004]]);
  assert.equal((await hub.ok({ command: 'hub.status' })).identities, 0);
  assert.equal((await responsesTo(10000)).length, 10000);
});

test('an answer that does not fit any more is 413, and nobody is closed for it, through the front door either', async (t) => {
  const hub = await startHub(t);
  const desired = Object.fromEntries(Array.from({ length: 7 }, (_, i) => [`k${i}`, 'x'.repeat(4000)]));
  await hub.create('large');
  await hub.desired('large', desired);
  for (const s of [await hub.service(), await hub.service('iothubowner', { path: undefined, host: hub.host, port: hub.port, ca: hub.ca })]) {
    const responses = await s.commands(Array(700).fill({ command: 'twin.show', deviceId: 'large' }));
    assert.equal(responses.length, 700);
    const fits = responses.filter((r) => r.status === 200).length;
    assert.ok(fits > 200 && fits < 300, `${fits} fit into 8 MB`);
    assert.deepEqual(responses.slice(fits).map(errorOf), Array(700 - fits).fill([413, 413001]));
    assert.equal((await s.command({ command: 'twin.show', deviceId: 'large' })).body.properties.desired.k0, desired.k0);
  }
});

test('a refused command is said to be refused however much the answers hold, never that it was carried out', async (t) => {
  const hub = await startHub(t);
  await hub.create('dev');
  const s = await hub.service();
  const show = { command: 'device.show', deviceId: 'dev', correlationData: 'c'.repeat(280) };
  const stale = { command: 'twin.update', deviceId: 'dev', etag: 'AAAAAAAAAAk=', patch: { tags: { a: 1 } } };
  const responses = await s.commands([...Array(9200).fill(show), ...Array(400).fill(stale), { ...stale, deviceId: 'nobody', correlationData: 'last' }]);
  assert.deepEqual(errorOf(responses[9199]), [413, 413001], 'the answers are too large');
  assert.deepEqual(responses.slice(9200, 9600).map(errorOf), Array(400).fill([412, 412001]));
  assert.deepEqual([...errorOf(responses[9600]), responses[9600].correlationData], [404, 404001, 'last']);
  assert.ok(responses.slice(9200).every((r) => !/carried out/.test(r.body.message)));
  assert.equal((await hub.twin('dev')).tags, undefined);
});

test('who sends more than 64 MB of messages at once, or holds too many filters, is closed, and the log says why', async (t) => {
  const hub = await startHub(t);
  const flood = await hub.service();
  flood.client.send(publishPacket(CONTROL, JSON.stringify({ commands: Array(10000).fill({ command: 'query', query: 'SELECT * FROM devices' }) })));
  const large = publishPacket(CONTROL, JSON.stringify({ commands: [{ command: 'hub.status', etag: 'x'.repeat(4000000) }] }));
  for (let n = 0; n < 20; n++) flood.client.send(large); // which wait
  await flood.client.closed();
  assert.match(hub.log, new RegExp(`too many control messages wait; ${flood.client.options.clientId} is closed`));
  const greedy = await hub.service();
  for (let n = 0; n < 64; n++) await greedy.subscribe(`$twinsim/v1/events/d${n}/#`);
  await assert.rejects(greedy.subscribe('$twinsim/v1/#'));
  assert.match(hub.log, new RegExp(`${greedy.client.options.clientId} subscribes to too much`));
});

test('correlationData that is longer than 4 KB is refused, and not sent back', async (t) => {
  const hub = await startHub(t);
  const s = await hub.service();
  const responses = await s.commands(['x'.repeat(4096), 'x'.repeat(4097), Array(3000).fill(1)].map((correlationData) => ({ command: 'hub.status', correlationData })));
  assert.deepEqual(responses.map((r) => r.status), [200, 400, 400]);
  assert.equal(responses[0].correlationData.length, 4096);
  assert.deepEqual([responses[1].correlationData, responses[2].correlationData], [undefined, undefined]);
  assert.match(responses[1].body.message, /correlationData/);
});

test('commands are carried out although their sender leaves at once', async (t) => {
  const hub = await startHub(t);
  const s = await hub.service();
  await s.client.publish(CONTROL, JSON.stringify({ commands: Array.from({ length: 300 }, (_, i) => ({ command: 'device.create', deviceId: `d${i}` })) }), { qos: 1 });
  await s.client.disconnect();
  while ((await hub.ok({ command: 'hub.status' })).identities < 300);
});

test('a service client may also come in over TLS', async (t) => {
  const hub = await startHub(t);
  const s = await hub.service('iothubowner', { path: undefined, host: hub.host, port: hub.port, ca: hub.ca });
  assert.equal((await s.command({ command: 'hub.status' })).body.hostname, hub.hostname);
});
