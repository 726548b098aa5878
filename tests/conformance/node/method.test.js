// Direct methods through the official Node SDK: what an application hears, and what the service hears of its answer.
'use strict';
const { test } = require('node:test');
const { assert, open, startHub, within } = require('./sdk.js');

/** Register a handler; resolves when the hub knows that the SDK listens. */
async function onMethod(hub, c, events, name, handler) {
  const isFirst = !c.listensForMethods;
  c.listensForMethods = true;
  (c.onDeviceMethod ?? c.onMethod).call(c, name, handler);
  if (isFirst) await within(events.event('subscribed', (e) => e.filter === '$iothub/methods/POST/#'), 'the SDK subscribes');
}
const invoke = (id, methodName, more) => {
  const [deviceId, moduleId] = id.split('/');
  return { command: 'method.invoke', deviceId, ...(moduleId && { moduleId }), methodName, ...more };
};
/** response.send as a promise. */
const send = (response, ...args) => new Promise((resolve, reject) => response.send(...args, (e) => (e ? reject(e) : resolve())));

for (const id of ['dev', 'dev/mod']) {
  test(`${id.includes('/') ? 'a module' : 'a device'} hears name and payload, and the service what it answers (facts M-23, M-24, R-13)`, async (t) => {
    const hub = await startHub(t);
    const events = await hub.listen();
    const c = await open(hub, id);
    const heard = [];
    await onMethod(hub, c, events, 'reboot', (request, response) => {
      heard.push([request.methodName, request.payload]);
      send(response, 207, { took: 1.5, list: [null, 'ü'] }).catch(() => {});
    });
    for (const payload of [{ in: 5 }, 'text', 0, false, [1, null]])
      assert.deepEqual(await hub.ok(invoke(id, 'reboot', { payload })), { status: 207, payload: { took: 1.5, list: [null, 'ü'] } });
    assert.deepEqual(heard, [['reboot', { in: 5 }], ['reboot', 'text'], ['reboot', 0], ['reboot', false], ['reboot', [1, null]]]);
  });
}

test('an answer without a payload is null; a call without one the SDK answers itself, with 400 (facts M-37, R-13, C-25)', async (t) => {
  const hub = await startHub(t);
  const events = await hub.listen();
  const c = await open(hub, 'dev');
  let heard = 'nothing';
  await onMethod(hub, c, events, 'ping', (request, response) => {
    heard = request.payload;
    send(response, 200).catch(() => {});
  });
  assert.deepEqual(await hub.ok(invoke('dev', 'ping', { payload: {} })), { status: 200, payload: null });
  assert.deepEqual(heard, {});
  const { status, payload } = await hub.ok(invoke('dev', 'ping'));
  assert.equal(status, 400);
  assert.match(payload, /Invalid request format/);
});

test('a method that the application does not know is answered 404 by the SDK, which is a success for the service (facts M-24)', async (t) => {
  const hub = await startHub(t);
  const events = await hub.listen();
  const c = await open(hub, 'dev');
  await onMethod(hub, c, events, 'known', (request, response) => send(response, 200).catch(() => {}));
  const response = await hub.command(invoke('dev', 'unknown', { responseTimeoutInSeconds: 5 }));
  assert.ok([200, 504].includes(response.status), 'an SDK without a default answers 404 or not at all');
  if (response.status === 200) assert.equal(response.body.status, 404);
});

test('a client that is away, and one without a handler, are 404103 (facts M-25)', async (t) => {
  const hub = await startHub(t);
  await hub.create('dev');
  assert.equal((await hub.command(invoke('dev', 'm'))).body.errorCode, 404103);
  await open(hub, 'dev', { exists: true });
  assert.equal((await hub.command(invoke('dev', 'm'))).body.errorCode, 404103);
});

test('a handler that takes its time holds up no other call, and each gets its own answer', async (t) => {
  const hub = await startHub(t);
  const events = await hub.listen();
  const c = await open(hub, 'dev');
  let slow;
  await onMethod(hub, c, events, 'slow', (request, response) => { slow = response; });
  await onMethod(hub, c, events, 'fast', (request, response) => send(response, 200, request.payload).catch(() => {}));
  const service = await hub.service();
  const first = service.command(invoke('dev', 'slow', { payload: {} }));
  assert.equal((await hub.ok(invoke('dev', 'fast', { payload: 7 }))).payload, 7);
  await within((async () => { while (!slow) await new Promise(setImmediate); })(), 'the slow handler is called');
  await send(slow, 200, 'done');
  assert.deepEqual((await first).body, { status: 200, payload: 'done' });
});

test('the SDK still hears methods after its connection was lost, without subscribing again (facts C-01)', async (t) => {
  const hub = await startHub(t);
  const events = await hub.listen();
  const c = await open(hub, 'dev');
  await onMethod(hub, c, events, 'ping', (request, response) => send(response, 200, 'pong').catch(() => {}));
  await hub.ok({ command: 'fault.add', type: 'disconnect', deviceId: 'dev' });
  await within(events.event('disconnected'), 'the connection is lost');
  assert.deepEqual(await hub.ok(invoke('dev', 'ping', { payload: {}, connectTimeoutInSeconds: 60 })), { status: 200, payload: 'pong' });
});
