// method.test.js - direct methods between a service and a raw client: what is on the wire, and answers that come later than others.
'use strict';
const assert = require('node:assert/strict');
const test = require('node:test');
const { startHub, CONTROL } = require('../support/hub.js');

const POST = '$iothub/methods/POST/';
const invoke = (deviceId, methodName, more) => ({ command: 'method.invoke', deviceId, methodName, ...more });
const errorOf = (response) => [response.status, response.body.errorCode];
const answer = (client, status, rid, body = '') => client.publish(`$iothub/methods/res/${status}/?$rid=${rid}`, body, { qos: 1 });

/** A device or module that listens for methods. */
async function listener(hub, id, options) {
  const client = await hub.device(id, options);
  await client.subscribe(`${POST}#`, 1);
  return client;
}
/** The next call: {name, rid, body, qos}. */
async function called(client) {
  const p = await client.message(POST);
  const [, name, rid] = /^\$iothub\/methods\/POST\/([^/]+)\/\?\$rid=(.+)$/.exec(p.topic);
  return { name, rid, body: p.payload.toString(), qos: p.qos };
}

for (const id of ['dev', 'dev/mod']) {
  test(`${id.includes('/') ? 'a module' : 'a device'} is called, answers, and the service hears status and payload (facts M-23, M-24, R-12)`, async (t) => {
    const hub = await startHub(t);
    await hub.create(id);
    const events = await hub.listen();
    const c = await listener(hub, id);
    const [deviceId, moduleId] = id.split('/');
    const s = await hub.service();
    const response = s.command(invoke(deviceId, 'reboot', { ...(moduleId && { moduleId }), payload: { in: [1, null, 'x'] } }));
    const call = await called(c);
    assert.deepEqual([call.name, JSON.parse(call.body), call.qos], ['reboot', { in: [1, null, 'x'] }, 0]);
    assert.match(call.rid, /^[0-9a-f]+$/);
    await answer(c, 404, call.rid, '{"later":true}');
    assert.deepEqual((await response).body, { status: 404, payload: { later: true } });
    const asked = await events.event('method');
    assert.deepEqual([asked.device, asked.module, asked.name, asked.rid, asked.delivered], [deviceId, moduleId, 'reboot', call.rid, true]);
    const told = await events.event('method-answer');
    assert.deepEqual([told.rid, told.status, told.payload], [call.rid, 404, { later: true }]);
  });
}

test('a call holds up neither the commands behind it nor those of others, and its message is answered as one, in order', async (t) => {
  const hub = await startHub(t);
  await hub.create('dev');
  const c = await listener(hub, 'dev');
  const [asker, other] = await Promise.all([hub.service(), hub.service()]);
  await asker.client.publish(CONTROL, JSON.stringify({ commands: [
    { command: 'device.create', deviceId: 'before' },
    invoke('dev', 'first'),
    { command: 'device.create', deviceId: 'behind' },
    invoke('dev', 'second', { payload: 2 }),
    invoke('nobody', 'third'),
  ] }), { qos: 1 });
  const [first, second] = [await called(c), await called(c)];
  assert.equal((await other.command({ command: 'device.show', deviceId: 'behind' })).status, 200);
  await asker.client.publish(CONTROL, JSON.stringify({ commands: [{ command: 'device.show', deviceId: 'before', correlationData: 'overtakes' }] }), { qos: 1 });
  assert.deepEqual((await asker.responses()).map((r) => r.correlationData), ['overtakes']);
  await answer(c, 200, second.rid, '"b"');
  await answer(c, 200, first.rid, '"a"');
  const responses = await asker.responses();
  assert.deepEqual(responses.map((r) => [r.command, r.status]), [['device.create', 200], ['method.invoke', 200], ['device.create', 200], ['method.invoke', 200], ['method.invoke', 404]]);
  assert.deepEqual([responses[1].body.payload, responses[3].body.payload], ['a', 'b']);
});

test('who is away is 404103 at once, or as soon as it has not come within the connect time-out (facts M-25)', async (t) => {
  const hub = await startHub(t);
  await hub.create('dev');
  assert.deepEqual(errorOf(await hub.command(invoke('dev', 'm'))), [404, 404103]);
  assert.deepEqual(errorOf(await hub.command(invoke('dev', 'm', { connectTimeoutInSeconds: 1 }))), [404, 404103]);
});

test('a call with a connect time-out is sent when its device subscribes; others are not kept for it (facts M-39, L-17)', async (t) => {
  const hub = await startHub(t);
  await hub.create('dev');
  const s = await hub.service();
  assert.equal((await hub.command(invoke('dev', 'lost'))).status, 404);
  const response = s.command(invoke('dev', 'wake', { connectTimeoutInSeconds: 60 }));
  await hub.command({ command: 'hub.status' }); // it is there by now
  const c = await listener(hub, 'dev');
  const call = await called(c);
  assert.deepEqual([call.name, call.body], ['wake', '']);
  await answer(c, 200, call.rid);
  assert.deepEqual((await response).body, { status: 200, payload: null });
});

test('a session that was kept hears the call behind its CONNACK', async (t) => {
  const hub = await startHub(t);
  await hub.create('dev');
  const before = await listener(hub, 'dev', { clean: false });
  await before.disconnect();
  const s = await hub.service();
  const response = s.command(invoke('dev', 'wake', { connectTimeoutInSeconds: 60 }));
  await hub.command({ command: 'hub.status' });
  const c = await hub.device('dev', { clean: false });
  const call = await called(c);
  await answer(c, 200, call.rid, '1');
  assert.equal((await response).body.payload, 1);
});

test('no answer within the response time-out is 504101, on time; a late one and a second one are dropped', async (t) => {
  const hub = await startHub(t);
  await hub.create('dev');
  const events = await hub.listen();
  const c = await listener(hub, 'dev');
  const s = await hub.service();
  const begun = Date.now();
  const response = await s.command(invoke('dev', 'm', { responseTimeoutInSeconds: 5 }), { ms: 30000 });
  assert.deepEqual(errorOf(response), [504, 504101]);
  assert.ok(Date.now() - begun >= 4900, `after ${Date.now() - begun} ms`);
  const { rid } = await called(c);
  await answer(c, 200, rid, '1');
  assert.equal((await events.event('method-answer', (e) => e.status === 200)).waited, false);
  await c.ping(); // still connected
});

test('an answer that is no JSON is 502 for the service, and the device stays connected', async (t) => {
  const hub = await startHub(t);
  await hub.create('dev');
  const c = await listener(hub, 'dev');
  const s = await hub.service();
  const response = s.command(invoke('dev', 'm'));
  await answer(c, 200, (await called(c)).rid, 'done');
  assert.deepEqual(errorOf(await response), [502, 502000]);
  await c.ping();
});

test('deleting the device, and stopping the hub, end the calls that are under way', async (t) => {
  const hub = await startHub(t);
  await Promise.all(['a', 'b'].map((id) => hub.create(id)));
  await listener(hub, 'a');
  const b = await listener(hub, 'b');
  const s = await hub.service();
  const first = s.command(invoke('a', 'm'));
  await hub.ok({ command: 'device.delete', deviceId: 'a' });
  assert.deepEqual(errorOf(await first), [404, 404001]);
  const second = s.command(invoke('b', 'm'));
  await called(b);
  const [response] = await Promise.all([second, hub.stop()]);
  assert.deepEqual(errorOf(response), [503, 503001]);
});

test('who asked and left costs nothing: the device hears the call, and its answer goes nowhere', async (t) => {
  const hub = await startHub(t);
  await hub.create('dev');
  const events = await hub.listen();
  const c = await listener(hub, 'dev');
  const s = await hub.service();
  await s.client.publish(CONTROL, JSON.stringify({ commands: [invoke('dev', 'm')] }), { qos: 1 });
  const { rid } = await called(c);
  await s.client.disconnect();
  await answer(c, 200, rid, '1');
  assert.equal((await events.event('method-answer')).status, 200);
  assert.equal((await hub.command({ command: 'hub.status' })).status, 200);
});

test('a hundred calls at the same time each get their own answer', async (t) => {
  const hub = await startHub(t);
  await hub.create('dev');
  const c = await listener(hub, 'dev');
  const s = await hub.service();
  const all = s.commands(Array.from({ length: 100 }, (_, i) => invoke('dev', `m${i}`, { payload: i })));
  const calls = [];
  for (let i = 0; i < 100; i++) calls.push(await called(c));
  for (const call of calls.reverse()) await answer(c, 200, call.rid, call.body);
  assert.deepEqual((await all).map((r) => r.body.payload), Array.from({ length: 100 }, (_, i) => i));
});
