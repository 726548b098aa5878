// token.js - tokens end, and are renewed.
'use strict';
const { assert } = require('../lib/case.js');

module.exports = {
  async 'token-renewal'(x) {
    const c = await x.open({ tokenSeconds: 10, renewSeconds: 4 }); // what is asked while it renews may never be answered: leave it time
    await c.listen('desired');
    const first = await x.event('connected');
    const second = await x.event('connected', (e) => e.conn !== first.conn);
    assert.ok(second.seq > first.seq);
    await x.desired({ after: 'renewal' });
    await c.change((patch) => patch.after === 'renewal');
    assert.notEqual((await x.event('disconnected')).reason, 'token', 'it was in time');
  },

  async 'token-ends'(x) {
    const sas = x.token();
    await x.open({ sas, retry: false });
    await x.ok({ command: 'clock.advance', by: '2h' });
    assert.equal((await x.event('disconnected')).reason, 'token');
    await x.fails(x.connect({ sas, retry: false }), 'unauthorized');
    await x.ok({ command: 'clock.advance', by: '-2h' });
    await (await x.connect({ sas })).twin();
  },

  async 'token-renewed-by-hand'(x) {
    const c = await x.open({ sas: x.token() });
    await c.listen('desired');
    await x.event('connected');
    await c.request('renew', { sas: x.token({ se: Math.floor(Date.now() / 1000) + 7200 }) });
    await x.event('connected');
    await x.desired({ after: 'renewal' });
    await c.change((patch) => patch.after === 'renewal');
  },

  // In time by itself or cut by the hub: an SDK may do either.
  async 'token-outlived'(x) {
    const c = await x.open({ tokenSeconds: 7, renewSeconds: 2 });
    await c.listen('desired');
    for (let i = 1; i <= 3; i++) await x.event('connected');
    await x.desired({ after: 'three tokens' });
    await c.change((patch) => patch.after === 'three tokens');
    await c.report({ still: 'here' });
  },

  async 'token-gap'(x) {
    const c = await x.open({ tokenSeconds: 7, renewSeconds: 2 });
    await c.onMethods({ ping: () => ({ status: 200, payload: 'pong' }) });
    for (let turn = 1; turn <= 2; turn++) {
      await x.event('disconnected');
      const { status, body } = await x.call('ping', { payload: {}, connectTimeoutInSeconds: 60 });
      assert.deepEqual([status, body.payload], [200, 'pong'], `renewal ${turn}`);
    }
  },

  async 'token-given-outlives'(x) {
    const c = await x.open({ sas: x.token() });
    await c.listen('desired');
    await x.event('connected');
    await c.request('renew', { sas: x.token({ se: Math.floor(Date.now() / 1000) + 3 * 3600 }) });
    await x.ok({ command: 'clock.advance', by: '2h' });
    await x.event('connected'); // at once with the new one, or when the old one ended
    await x.desired({ after: 'the first token' });
    await c.change((patch) => patch.after === 'the first token');
  },

  async 'token-expired-by-fault'(x) {
    const c = await x.open();
    await c.listen('desired');
    await x.event('connected');
    await c.twin(); // behind its SUBACKs
    await x.fault('expire');
    assert.equal((await x.event('disconnected')).reason, 'token');
    await x.event('connected');
    await x.desired({ after: 'end' });
    await c.change((patch) => patch.after === 'end');
  },
};
