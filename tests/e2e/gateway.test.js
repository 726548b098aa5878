// gateway.test.js - what the front door passes on, changes, tells and refuses, seen from both sides: clients over TLS, and a scripted broker.
'use strict';
const assert = require('node:assert/strict');
const { execFileSync, spawn } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const test = require('node:test');
const tls = require('node:tls');
const { startGateway, Client, TYPE, REPORTS, packet, connectPacket, publishPacket, field, u16, makeCertificate } = require('../support/gateway.js');

const isType = (type) => (p) => p.type === type;
const TELEMETRY = 'devices/d/messages/events/';

/** The next report on the gateway's own connection about that client's address. */
function refusal(broker, peer) {
  return broker.link.next((p) => p.topic === REPORTS && JSON.parse(p.payload).refused?.peer === peer, `a report about ${peer}`).then((p) => JSON.parse(p.payload).refused);
}
/** Ask while it is connected. */
const peerOf = (client) => `127.0.0.1:${client.stream.localPort}`;

test('packets both ways', { concurrency: true }, async (t) => {
  const { gateway, broker } = await startGateway(t);
  const it = (title, f) => t.test(title, f);

  await Promise.all([
    it('a CONNECT reaches the broker with clean session 1, keep-alive 0 and no will; what the client said stands before its user name', async () => {
      const { client, hub } = await gateway.pair({ clientId: 'first', clean: false, keepAlive: 240, will: { topic: 'devices/first/messages/events/a=1&b', payload: Buffer.from([0, 255, 1]), qos: 1 } });
      assert.deepEqual(client.connack, { sessionPresent: false, code: 0 });
      const { connect } = hub;
      assert.deepEqual([connect.clean, connect.keepAlive, connect.hasWill, connect.level], [true, 0, false, 4]);
      assert.equal(connect.password.toString(), 'secret');
      assert.equal(connect.original, 'hub/c/?api-version=2021-04-12');
      assert.deepEqual(connect.prefix, { clean: '0', keepAlive: '240', peer: peerOf(client), user: '1', willTopic: 'devices/first/messages/events/a=1&b', willQos: '1', willRetain: '0', cert: 'none' });
      assert.deepEqual(await hub.report(), { will: { topic: 'devices/first/messages/events/a=1&b', qos: 1, retain: false, payload: 'AP8B' } });
      await client.disconnect();
    }),
    it('a CONNECT without user name and password says so', async () => {
      const { hub } = await gateway.pair({ username: undefined, password: undefined });
      assert.equal(hub.connect.prefix.user, '0');
      assert.equal(hub.connect.original, '');
      assert.equal(hub.connect.password, undefined);
    }),
    it('a client cannot speak in the gateway\'s place: what it sends as user name stands behind the prefix', async () => {
      const { hub } = await gateway.pair({ username: 'gw1?clean=1&keepAlive=1&peer=x&user=0&cert=none evil' });
      assert.equal(hub.connect.prefix.keepAlive, '60');
      assert.equal(hub.connect.original, 'gw1?clean=1&keepAlive=1&peer=x&user=0&cert=none evil');
    }),
    it('TLS 1.2 and 1.3 are served, with any client certificate and with none', async () => {
      const dir = fs.mkdtempSync(path.join(gateway.dir, 'client-'));
      execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=anybody', '-keyout', `${dir}/key.pem`, '-out', `${dir}/cert.pem`], { stdio: 'ignore' });
      const key = fs.readFileSync(`${dir}/key.pem`), cert = fs.readFileSync(`${dir}/cert.pem`);
      for (const version of ['TLSv1.2', 'TLSv1.3'])
        for (const own of [{}, { key, cert }]) {
          const stream = tls.connect({ host: gateway.host, port: gateway.port, ca: gateway.ca, servername: '', minVersion: version, maxVersion: version, ...own });
          const answer = new Promise((resolve, reject) => stream.once('data', resolve).once('error', reject));
          stream.write(connectPacket(gateway.options({ clientId: `${version}${Boolean(own.key)}` })));
          assert.deepEqual([...(await answer)], [0x20, 2, 0, 0]);
          assert.equal(stream.getProtocol(), version);
          assert.equal(stream.isSessionReused(), false);
          stream.destroy();
        }
    }),
    it('packets in slices of one byte are the same packets', async () => {
      const client = await gateway.socket({ clientId: 'sliced' });
      const bytes = Buffer.concat([connectPacket(client.options), publishPacket(TELEMETRY, 'x'.repeat(200)), packet(TYPE.PINGREQ, 0)]);
      for (const byte of bytes) client.send(Buffer.from([byte]));
      await client.next(isType(TYPE.PINGRESP), 'PINGRESP');
      const hub = await broker.end('sliced');
      assert.deepEqual(hub.log.map((p) => p.type), [TYPE.CONNECT, TYPE.PUBLISH, TYPE.PINGREQ]);
      assert.equal(hub.log[1].payload.toString(), 'x'.repeat(200));
    }),
    it('everything at once, up to the DISCONNECT, arrives in order', async () => {
      const client = await gateway.socket({ clientId: 'hasty' });
      client.send(Buffer.concat([connectPacket(client.options), packet(TYPE.SUBSCRIBE, 2, u16(1), field('a/#'), Buffer.from([0])), publishPacket(TELEMETRY, 'x', { qos: 1, packetId: 2 }), packet(TYPE.DISCONNECT, 0)]));
      const hub = await broker.end('hasty');
      await hub.closed();
      assert.deepEqual(hub.log.map((p) => p.type), [TYPE.CONNECT, TYPE.SUBSCRIBE, TYPE.PUBLISH, TYPE.PUBLISH, TYPE.DISCONNECT]);
      assert.deepEqual(JSON.parse(hub.log[3].payload), { end: 'client' });
    }),
    it('a large message is carried whole in both directions', async () => {
      const { client, hub } = await gateway.pair();
      const body = Buffer.alloc(262144, 'abcdefg');
      client.send(publishPacket(TELEMETRY, body));
      assert.deepEqual((await hub.message(TELEMETRY)).payload, body);
      const more = Buffer.alloc(3000000, 'hijklmno');
      hub.publish('$iothub/twin/res/200/?$rid=1', more);
      assert.deepEqual((await client.message('$iothub/')).payload, more);
    }),
    it('a lost connection is told as lost', async () => {
      const { client, hub } = await gateway.pair();
      client.stream.destroy();
      assert.equal((await hub.report()).end, 'lost');
      await hub.closed();
    }),
    it('a connection that the broker closes is closed for the client, behind what was said last', async () => {
      const { client, hub } = await gateway.pair();
      hub.publish('last/words', 'bye');
      hub.stream.end();
      assert.equal((await client.message('last/words')).payload.toString(), 'bye');
      await client.closed();
    }),
    it('a message of the hub comes without its marker, at the marked QoS, with an id whose PUBACK stays here and is told', async () => {
      const { client, hub } = await gateway.pair();
      client.acknowledges = false;
      hub.publish('devices/d/messages/devicebound/x', 'body', { flags: '1', tag: '2a' });
      hub.publish('devices/d/messages/devicebound/x', 'again', { flags: '1d', tag: '2b' });
      hub.publish('devices/d/messages/devicebound/x', 'nobody waits', { flags: '1' });
      hub.publish('$iothub/twin/res/200/?$rid=1', '{}');
      const got = [await client.message('devices/d/'), await client.message('devices/d/'), await client.message('devices/d/'), await client.message('$iothub/')];
      assert.deepEqual(got.map((p) => [p.qos, p.dup, p.payload.toString()]), [[1, false, 'body'], [1, true, 'again'], [1, false, 'nobody waits'], [0, false, '{}']]);
      client.send(Buffer.concat(got.slice(0, 3).map((p) => packet(TYPE.PUBACK, 0, u16(p.packetId)))));
      assert.deepEqual(await hub.report(), { puback: ['2a', '2b'] });
      await client.ping();
      assert.equal(hub.log.some(isType(TYPE.PUBACK)), false);
    }),
    it('PUBACKs are told before what the client sent behind them', async () => {
      const { client, hub } = await gateway.pair();
      client.acknowledges = false;
      hub.publish('c2d', '', { flags: '1', tag: '1' });
      const { packetId } = await client.message('c2d');
      client.send(Buffer.concat([packet(TYPE.PUBACK, 0, u16(packetId)), publishPacket(TELEMETRY, ''), packet(TYPE.DISCONNECT, 0)]));
      await hub.closed();
      assert.deepEqual(hub.log.slice(1).map((p) => (p.type === TYPE.PUBLISH ? p.topic : p.type)), [REPORTS, TELEMETRY, REPORTS, TYPE.DISCONNECT]);
    }),
    it('a message that the broker itself sends at QoS 1 keeps its id, and its PUBACK is passed on', async () => {
      const { client, hub } = await gateway.pair();
      client.acknowledges = false;
      hub.send(publishPacket('$twinsim/v1/events/d/created', '{}', { qos: 1, packetId: 7 }));
      assert.equal((await client.message('$twinsim/')).packetId, 7);
      client.send(packet(TYPE.PUBACK, 0, u16(7)));
      assert.equal((await hub.next(isType(TYPE.PUBACK), 'PUBACK')).packetId, 7);
    }),
    it('MQTT 3.1 and MQTT 5 are passed on for the hub to refuse; an unknown level gets CONNACK 1 (facts M-01)', async () => {
      for (const level of [3, 5]) {
        const client = await gateway.socket({ clientId: `level${level}`, level });
        client.send(connectPacket(client.options));
        const { connect } = await broker.end(`level${level}`);
        assert.deepEqual([connect.level, connect.protocol, connect.original], [level, level === 3 ? 'MQIsdp' : 'MQTT', client.options.username]);
      }
      const odd = await gateway.socket({ level: 6 });
      const peer = peerOf(odd);
      odd.send(connectPacket(odd.options));
      assert.deepEqual([...(await odd.next(isType(TYPE.CONNACK), 'CONNACK')).body], [0, 1]);
      await odd.closed();
      assert.equal((await refusal(broker, peer)).reason, 'protocol');
    }),
    it('what is no MQTT is refused with its reason, and never reaches the broker', async () => {
      const first = [
        [Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'protocol', /no MQTT packet/],
        [packet(TYPE.PINGREQ, 0), 'protocol', /first packet/],
        [Buffer.from([0x10, 0xff, 0xff, 0xff, 0xff, 1]), 'protocol', /length/],
        [Buffer.from([0x10, 0xff, 0xff, 0xff, 0x7f]), 'too-large', /larger/],
        [connectPacket({ clientId: 'x', name: 'MQTs' }), 'protocol', /not MQTT/],
        [connectPacket({ clientId: Buffer.from([0xc3, 0x28]) }), 'protocol', /UTF-8/],
        [connectPacket({ clientId: 'x', password: 'p' }), 'protocol', /password/],
        [connectPacket({ clientId: 'x', username: 'u'.repeat(65500) }), 'too-large', /fit/],
        [packet(TYPE.CONNECT, 0, field('MQTT'), Buffer.from([4, 3, 0, 0]), field('x')), 'protocol', /reserved/],
      ];
      for (const [bytes, reason, detail] of first) {
        const client = await gateway.socket();
        const peer = peerOf(client);
        client.send(bytes);
        await client.closed();
        const told = await refusal(broker, peer);
        assert.equal(told.reason, reason, told.detail);
        assert.match(told.detail, detail);
      }
    }),
    it('a malformed packet ends a connection, behind all that came before it; the hub is told what was wrong', async () => {
      const bad = [
        [publishPacket('', 'x'), /no topic/],
        [publishPacket('a/+/b', 'x'), /wildcard/],
        [publishPacket(Buffer.from([0xff]), 'x'), /UTF-8/],
        [publishPacket('a', 'x', { qos: 2 }), /QoS 2/],
        [publishPacket('a', 'x', { qos: 1, packetId: 0 }), /packet id 0/],
        [packet(TYPE.SUBSCRIBE, 2, u16(1)), /no filter/],
        [packet(TYPE.SUBSCRIBE, 0, u16(1), field('a'), Buffer.from([0])), /begins so/],
        [packet(TYPE.SUBACK, 0, u16(1), Buffer.from([0])), /only a server/],
        [connectPacket({ clientId: 'again' }), /second CONNECT/],
        [publishPacket(REPORTS, '{"end":"client"}'), /gateway's own/],
      ];
      for (const [bytes, detail] of bad) {
        const { client, hub } = await gateway.pair();
        client.send(Buffer.concat([publishPacket(TELEMETRY, 'before'), bytes, publishPacket(TELEMETRY, 'behind')]));
        await client.closed();
        await hub.closed();
        assert.equal(hub.log[1].payload.toString(), 'before');
        const end = JSON.parse(hub.log[2].payload);
        assert.equal(end.end, 'protocol');
        assert.match(end.detail, detail);
        assert.equal(hub.log.length, 3);
      }
    }),
    it('a failed handshake is told as tls; a look at the port is told to nobody', async () => {
      const probe = net.connect({ host: gateway.host, port: gateway.port });
      await new Promise((resolve) => probe.once('connect', resolve));
      const probed = `127.0.0.1:${probe.localPort}`;
      probe.destroy();
      const plain = await Client.socket({ host: gateway.host, port: gateway.port });
      const peer = peerOf(plain);
      plain.send(connectPacket({ clientId: 'plain' }));
      await plain.closed();
      assert.equal((await refusal(broker, peer)).reason, 'tls');
      const distrusts = tls.connect({ host: gateway.host, port: gateway.port, servername: '' });
      const port = new Promise((resolve) => distrusts.once('connect', () => resolve(distrusts.localPort)));
      await new Promise((resolve) => distrusts.once('error', resolve));
      const told = await refusal(broker, `127.0.0.1:${await port}`);
      assert.equal(told.reason, 'tls');
      assert.equal(broker.link.messages().some((p) => p.payload.includes(probed)), false);
    }),
  ]);
});

test('what CONNACK says', { concurrency: true }, async (t) => {
  const { gateway, broker } = await startGateway(t, { broker: { accepts: false } });

  await Promise.all([
    t.test('CONNACK 0 waits for the hub\'s hello, and what comes behind it waits, too', async () => {
      const { client, hub } = await gateway.pair();
      hub.accept({ hello: false });
      hub.publish('early', 'x');
      client.send(packet(TYPE.PINGREQ, 0));
      await hub.next(isType(TYPE.PINGREQ), 'PINGREQ'); // the broker's end has done its part
      assert.deepEqual(client.inbox, []);
      hub.hello(1);
      await client.next(isType(TYPE.PINGRESP), 'PINGRESP');
      assert.deepEqual(client.inbox.map((p) => p.type), [TYPE.CONNACK, TYPE.PUBLISH]);
      assert.deepEqual([...client.inbox[0].body], [1, 0]);
    }),
    t.test('a refusal goes out at once, and arrives although more was sent that nobody will read (facts B-54)', async () => {
      for (let i = 0; i < 5; i++) {
        const { client, hub } = await gateway.pair();
        client.send(publishPacket(TELEMETRY, Buffer.alloc(200000)));
        hub.accept({ code: 5 });
        hub.stream.end();
        assert.deepEqual([...(await client.next(isType(TYPE.CONNACK), 'CONNACK')).body], [0, 5]);
        await client.closed();
      }
    }),
    t.test('an empty client id is CONNACK 2, and told (facts B-24)', async () => {
      for (const [options, answer] of [[{ clean: false }, [0, 2]], [{ clean: true }, [0, 2]], [{ clean: true, level: 5 }, [0, 0x85, 0]]]) {
        const client = await gateway.socket({ clientId: '', ...options });
        const told = refusal(broker, peerOf(client));
        client.send(connectPacket(client.options));
        assert.deepEqual([...(await client.next(isType(TYPE.CONNACK), 'CONNACK')).body], answer);
        await client.closed();
        assert.equal((await told).reason, 'protocol');
        assert.match((await told).detail, /client id/);
      }
    }),
  ]);
  assert.ok(broker.link);
});

test('silence', { concurrency: true }, async (t) => {
  const { gateway, broker } = await startGateway(t, { args: ['--connect-timeout', '1.5', '--max-idle', '2'] });
  /** The time that passes is never too short, and, when this machine is not busy with other things (one of five times), at most a tenth of a second too long. */
  const closedAfter = async (s, silence) => {
    for (let tries = 5; ; tries--) {
      const from = await silence(); // of the last packet, before it was sent
      const took = (performance.now() - from) / 1000;
      assert.ok(took > s - 0.005, `closed after ${took} s already, not ${s} s`);
      if (took < s + 0.1) return;
      assert.ok(tries > 1, `closed only after ${took} s, not ${s} s`);
    }
  };
  /** Connect, and wait for the end. */
  const mute = async (more, then = async (client, from) => from) => {
    const client = await gateway.socket(more);
    const from = performance.now();
    client.send(connectPacket(client.options));
    const hub = await broker.end(client.options.clientId);
    const last = await then(client, from);
    await client.closed();
    assert.deepEqual(await hub.report(), { end: 'keep-alive' });
    return last;
  };

  await Promise.all([
    t.test('a client that is silent for 1.5 times its keep-alive is closed then, not later (facts M-13)', () => closedAfter(1.5, () => mute({ keepAlive: 1 }))),
    t.test('any whole packet begins the time anew; half a packet does not (facts M-13)', () =>
      closedAfter(1.5, () =>
        mute({ keepAlive: 1 }, async (client) => {
          await new Promise((resolve) => setTimeout(resolve, 700));
          const from = performance.now();
          await client.ping();
          await new Promise((resolve) => setTimeout(resolve, 700));
          client.send(publishPacket(TELEMETRY, 'cut short').subarray(0, 20));
          return from;
        }))),
    t.test('keep-alive 0, and one that is longer than the hub\'s limit, end at that limit (facts M-13)', () =>
      Promise.all([0, 60].map((keepAlive) => closedAfter(2, () => mute({ keepAlive }))))),
    t.test('a CONNECT that does not come in time, or a handshake that does not end, is closed and told', async () => {
      const mute = await gateway.socket();
      const half = await gateway.socket();
      half.send(connectPacket(half.options).subarray(0, 10));
      const stalled = await Client.socket({ host: gateway.host, port: gateway.port });
      stalled.send(Buffer.from([22, 3, 1]));
      const peers = [mute, half, stalled].map(peerOf);
      for (const peer of peers) assert.equal((await refusal(broker, peer)).reason, 'connect-timeout');
      await Promise.all([mute, half, stalled].map((client) => client.closed()));
    }),
  ]);
});

test('too much', { concurrency: true }, async (t) => {
  const { gateway } = await startGateway(t, { args: ['--max-packet', '100000'] });
  const body = Buffer.alloc(65536, 'x');

  await Promise.all([
    t.test('a packet above the limit ends the connection when it is announced', async () => {
      const { client, hub } = await gateway.pair();
      client.send(publishPacket(TELEMETRY, Buffer.alloc(100000)).subarray(0, 10));
      assert.equal((await hub.report()).end, 'too-large');
      await client.closed();
    }),
    t.test('the hub\'s hello says how large this client\'s packets may be', async () => {
      const { client, hub } = await gateway.pair();
      hub.hello(0, { maxPacket: 200000 });
      hub.publish('after', 'hello');
      await client.message('after');
      const large = Buffer.alloc(199000, 'x');
      client.send(publishPacket(TELEMETRY, large));
      assert.deepEqual((await hub.message(TELEMETRY)).payload, large);
      client.send(publishPacket(TELEMETRY, Buffer.alloc(200001)));
      assert.equal((await hub.report()).end, 'too-large');
    }),
    t.test('a client that does not read is closed when its queue is full', async () => {
      const { client, hub } = await gateway.pair();
      client.stream.pause();
      const ended = hub.report();
      let sent = 0;
      while (!hub.isClosed && sent < 2000) {
        hub.publish('flood', body);
        sent++;
        do await new Promise(setImmediate); // what is sent is what the gateway has taken
        while (hub.stream.writableLength && !hub.isClosed);
      }
      assert.deepEqual(await ended, { end: 'slow' });
      assert.ok(sent * body.length > 1048576 && sent < 600, `${sent} messages`); // the rest is in the sockets' own buffers
    }),
    t.test('a client that does not take its answers is not read either; when it takes them it gets all', async () => {
      const { client, hub } = await gateway.pair();
      const count = 3000, answer = Buffer.alloc(2048, 'a');
      const arrived = hub.arrived;
      hub.arrived = function (p) {
        arrived.call(this, p);
        if (p.topic === TELEMETRY) this.publish('answer', answer);
      };
      client.stream.pause();
      for (let i = 0; i < count; i++) client.send(publishPacket(TELEMETRY, 'x'.repeat(2000)));
      for (let before = -1; hub.log.length !== before || before === 1; await new Promise((resolve) => setTimeout(resolve, 200))) before = hub.log.length; // until it stands still
      assert.ok(hub.log.length < count, `${hub.log.length} were let through`);
      client.stream.resume();
      await client.ping();
      assert.equal(client.messages().length, count);
    }),
    t.test('a client that acknowledges nothing is closed at 4096 open messages', async () => {
      const { client, hub } = await gateway.pair();
      client.acknowledges = false;
      for (let i = 0; i < 4097; i++) hub.publish('c2d', '', { flags: '1', tag: (i + 1).toString(16) });
      assert.deepEqual(await hub.report(), { end: 'unacknowledged' });
      await client.closed();
      assert.equal(client.messages().length, 4096);
      assert.equal(new Set(client.messages().map((p) => p.packetId)).size, 4096);
    }),
    t.test('while the broker does not read, the client is held back; nothing is lost', async () => {
      const { client, hub } = await gateway.pair();
      hub.stream.pause();
      const count = 400;
      for (let i = 0; i < count; i++) client.send(publishPacket(TELEMETRY, body));
      let before = -1;
      while (client.stream.writableLength !== before || client.stream.writableLength === count * body.length) {
        before = client.stream.writableLength;
        await new Promise((resolve) => setTimeout(resolve, 100)); // until it stands still
      }
      assert.ok(before > 1048576, `${before} bytes are still with the client`);
      hub.stream.resume();
      await client.ping();
      assert.equal(hub.messages().length, count);
    }),
  ]);
});

test('many', { concurrency: true }, async (t) => {
  await Promise.all([
    t.test('500 clients that come at once are all let in, and each has a connection of its own', async (tt) => {
      const { gateway, broker } = await startGateway(tt);
      const pairs = await Promise.all(Array.from({ length: 500 }, () => gateway.pair()));
      assert.equal(pairs.every(({ client }) => client.connack.code === 0), true);
      await Promise.all(pairs.map(({ client }) => client.disconnect()));
      await Promise.all(pairs.map(({ hub }) => hub.gone));
      assert.equal(broker.all.size, 1, 'only the gateway\'s own connection is left');
    }),
    t.test('while the broker\'s queue of newcomers is full, clients wait and are not lost (facts B-50)', async (tt) => {
      const { gateway, broker } = await startGateway(tt, { broker: { elsewhere: true, backlog: 1 } });
      broker.child.kill('SIGSTOP');
      const clients = await Promise.all(Array.from({ length: 40 }, () => gateway.socket()));
      const answers = clients.map((c) => (c.send(connectPacket(c.options)), c.next(isType(TYPE.CONNACK), 'CONNACK')));
      const left = await gateway.socket();
      left.send(Buffer.concat([connectPacket(left.options), publishPacket(TELEMETRY, 'x'), packet(TYPE.DISCONNECT, 0)]));
      assert.equal(await Promise.race([Promise.all(answers), new Promise((resolve) => setTimeout(resolve, 200, 'waiting'))]), 'waiting');
      broker.child.kill('SIGCONT');
      assert.equal((await Promise.all(answers)).every((p) => p.body[1] === 0), true);
      await broker.printed(`${left.options.clientId} disconnected`);
    }),
  ]);
});

test('a life', { concurrency: true }, async (t) => {
  await Promise.all([
    t.test('SIGHUP loads a new certificate for new connections; one that its key does not fit is refused, and the old one stays (facts B-51)', async (tt) => {
      const { gateway } = await startGateway(tt);
      const { client: old } = await gateway.pair();
      const serial = async () => {
        const c = await gateway.socket();
        return c.stream.getPeerCertificate().serialNumber;
      };
      const first = await serial();
      await makeCertificate(gateway.dir, gateway.host);
      let from = gateway.log.length;
      gateway.process.kill('SIGHUP');
      await gateway.logged(/loaded again/, from);
      const second = await serial();
      assert.notEqual(second, first);
      execFileSync('openssl', ['genrsa', '-out', `${gateway.dir}/server.key`, '2048'], { stdio: 'ignore' });
      from = gateway.log.length;
      gateway.process.kill('SIGHUP');
      await gateway.logged(/stays as it was/, from);
      assert.equal(await serial(), second);
      await old.ping();
    }),
    t.test('SIGTERM tells the end of each connection and exits with 0', async (tt) => {
      const { gateway, broker } = await startGateway(tt);
      const pairs = await Promise.all([gateway.pair(), gateway.pair(), gateway.pair()]);
      await gateway.socket(); // and one that has not said who it is
      await gateway.stop();
      for (const { client, hub } of pairs) {
        assert.deepEqual(await hub.report(), { end: 'shutdown' });
        await client.closed();
      }
      await broker.link.next(isType(TYPE.DISCONNECT), 'DISCONNECT of the gateway itself');
    }),
    t.test('SIGTERM does not wait for a client that was told its end and does not close', async (tt) => {
      const { gateway, broker } = await startGateway(tt);
      const client = spawn('openssl', ['s_client', '-quiet', '-connect', `${gateway.host}:${gateway.port}`], { stdio: ['pipe', 'ignore', 'ignore'] });
      tt.after(() => client.kill('SIGKILL'));
      client.stdin.write(connectPacket({ clientId: 'frozen' }));
      const hub = await broker.end('frozen');
      client.kill('SIGSTOP');
      const began = Date.now();
      hub.stream.end();
      await hub.gone;
      await gateway.stop();
      assert.ok(Date.now() - began < 1800, 'it would be closed after 2 s anyway');
    }),
    t.test('while the broker is away clients are closed and newcomers reset; when it is back they come in', async (tt) => {
      const { gateway, broker } = await startGateway(tt);
      const { client } = await gateway.pair();
      await broker.die();
      await client.closed();
      await gateway.logged(/has gone/);
      await assert.rejects(gateway.socket());
      await broker.listen();
      await gateway.logged(/is back/);
      assert.equal((await gateway.pair()).client.connack.code, 0);
    }),
    t.test('when the broker stays away the gateway ends with 1', async (tt) => {
      const { gateway, broker } = await startGateway(tt, { args: ['--broker-wait', '0.2'] });
      await broker.die();
      assert.equal(await gateway.ended, 1);
      assert.match(gateway.log, /cannot be reached/);
    }),
    t.test('a hub that does not accept the gateway is told, with status 1', async (tt) => {
      await assert.rejects(startGateway(tt, { broker: { linkCode: 5 } }), /ended with 1:\n.*does not accept the gateway/s);
    }),
    t.test('it ends when its parent has gone', async (tt) => {
      const { gateway } = await startGateway(tt);
      const command = gateway.command.map((word) => word.replace(`:${gateway.port}`, ':8884')).slice(0, -2);
      const shell = spawn('sh', ['-c', '"$@" & echo started; wait', 'sh', ...command], { stdio: ['ignore', 'pipe', 'ignore'] });
      const gone = new Promise((resolve) => shell.stdout.once('close', resolve));
      await new Promise((resolve) => shell.stdout.once('data', resolve));
      const link = gateway.broker.link;
      while (gateway.broker.link === link) await new Promise((resolve) => setTimeout(resolve, 10)); // it has logged in
      shell.kill('SIGKILL');
      await gone;
    }),
    t.test('a command line that cannot be is told, with status 2', async (tt) => {
      const { gateway } = await startGateway(tt);
      const run = (...args) => {
        try {
          execFileSync(gateway.command[0], args, { stdio: 'pipe' });
        } catch (e) {
          return [e.status, e.stderr.toString()];
        }
        return [0, ''];
      };
      for (const [args, says] of [[['--listen', 'nowhere'], /--listen wants an address/], [['--cert'], /--cert wants FILE/], [[], /--listen HOST:PORT is missing/], [['--max-idle', 'soon'], /--max-idle wants a number/], [['--colour'], /there is no '--colour'/]]) {
        const [status, text] = run(...args);
        assert.equal(status, 2);
        assert.match(text, says);
      }
      assert.equal(run('--help')[0], 0);
      const [status, text] = run(...gateway.command.slice(1, -2));
      assert.equal(status, 1);
      assert.match(text, /cannot listen at .*in use/);
    }),
  ]);
});
