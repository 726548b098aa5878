// The official Node SDK against what goes wrong: it asks for its own trouble as its makers' tests do, and gets over it (facts C-22).
'use strict';
const { test } = require('node:test');
const { Message, NoRetry } = require('azure-iot-common');
const { assert, desiredWhere, listeningTwin, open, report, startHub, twinOf, within } = require('./sdk.js');

/** The message by which the SDK's own end-to-end tests ask the service for a fault. */
function faultMessage(type, { delay = 0, duration = 0 } = {}) {
  const message = new Message('');
  message.properties.add('AzIoTHub_FaultOperationType', type);
  message.properties.add('AzIoTHub_FaultOperationCloseReason', 'boom');
  message.properties.add('AzIoTHub_FaultOperationDelayInSecs', delay);
  message.properties.add('AzIoTHub_FaultOperationDurationInSecs', duration);
  return message;
}

for (const type of ['KillTcp', 'ShutDownMqtt'])
  test(`after ${type} of its own asking it is back, and hears without subscribing again (facts C-22, C-01)`, async (t) => {
    const hub = await startHub(t, { plugin: { faultMessages: true } });
    const events = await hub.listen();
    const c = await open(hub, 'dev');
    const twin = await listeningTwin(hub, c, events);
    await within(c.sendEvent(faultMessage(type, { delay: 0.2, duration: 1 })), 'the fault message is acknowledged');
    assert.equal((await events.event('disconnected')).reason, 'fault');
    await events.event('connected', (e) => e.device === 'dev', { what: 'the SDK comes back' });
    const heard = desiredWhere(twin, (d) => d.after === 'all', 'a desired change after it');
    await hub.desired('dev', { after: 'all' });
    await heard;
    await within(c.sendEvent(new Message('"after"')), 'telemetry after it');
    assert.ok(!events.seen.some((e) => e.kind === 'telemetry'), 'the fault message itself is no telemetry');
  });

test('a throttled report is an error to the SDK, and the next one after the duration is none (facts C-22, L-02)', async (t) => {
  const hub = await startHub(t, { plugin: { faultMessages: true } });
  const c = await open(hub, 'dev');
  c.setRetryPolicy(new NoRetry());
  const twin = await twinOf(c);
  await within(c.sendEvent(faultMessage('InvokeThrottling', { duration: 1 })), 'the fault message is acknowledged');
  await assert.rejects(report(twin, { a: 1 }));
  const cleared = Date.now() + 1000;
  for (;;) {
    const failed = await report(twin, { a: 2 }).then(() => false, () => true);
    if (!failed) break;
    assert.ok(Date.now() < cleared + 5000, 'it is over after its duration');
  }
  assert.equal((await hub.twin('dev')).properties.reported.a, 2);
});

test('answers that come in another order than they were asked for find their requests', async (t) => {
  const hub = await startHub(t);
  const c = await open(hub, 'dev');
  const twin = await twinOf(c);
  await hub.ok({ command: 'fault.add', type: 'delay', on: 'dev', delay: '300ms' });
  const slow = report(twin, { slow: 1 });
  await report(twin, { quick: 1 });
  await slow;
  assert.deepEqual((await hub.twin('dev')).properties.reported.quick, 1);
});
