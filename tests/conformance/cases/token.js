// token.js - tokens end, and are renewed.
'use strict';
const { assert } = require('../lib/case.js');

module.exports = {
  async 'token-renewal'(x) {
    const c = await x.open({ tokenSeconds: 6, renewSeconds: 4 });
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

  async 'token-expired-by-fault'(x) {
    const c = await x.open();
    await c.listen('desired');
    await x.event('connected');
    await x.fault('expire');
    assert.equal((await x.event('disconnected')).reason, 'token');
    await x.event('connected');
    await x.desired({ after: 'end' });
    await c.change((patch) => patch.after === 'end');
  },
};
