// cli-certs.test.js - the CA and the server certificate: who can connect, and what the CA can never vouch for.
'use strict';
const assert = require('node:assert/strict');
const { execFile, execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const tls = require('node:tls');
const { promisify } = require('node:util');
const { freeAddress } = require('../support/hub.js');
const { Hub, temporary, twinsim, up } = require('../support/twinsim.js');

const run = promisify(execFile);

/** Resolves to the peer's certificate, or rejects as a client does that does not trust it. */
function shake(options) {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ port: 8883, ...options }, () => {
      resolve({ ...socket.getPeerCertificate(), protocol: socket.getProtocol() });
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

test('a client that trusts the CA connects to the address, in Node and with openssl s_client, over TLS 1.2 and 1.3', async (t) => {
  const hub = await up(t, { args: ['--quiet'] });
  const { caFile } = hub.file();
  const ca = fs.readFileSync(caFile);
  assert.equal((await shake({ host: hub.host, ca })).protocol, 'TLSv1.3');
  assert.equal((await shake({ host: hub.host, ca, maxVersion: 'TLSv1.2' })).protocol, 'TLSv1.2');
  assert.ok(await shake({ host: hub.host, servername: 'twinsim.azure-devices.test', ca }), 'and by its host name');
  await assert.rejects(shake({ host: hub.host }), /self-signed|unable to (verify|get)/, 'who does not trust it does not');
  await assert.rejects(shake({ host: hub.host, ca, maxVersion: 'TLSv1.1', minVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }));
  const { stdout } = await run('sh', ['-c', `openssl s_client -connect ${hub.host}:8883 -CAfile "$1" -verify_ip ${hub.host} -verify_return_error </dev/null`, 'sh', caFile]);
  assert.match(stdout, /Verify return code: 0 \(ok\)/);
});

test('curl, which checks the name too, accepts the certificate', async (t) => {
  const hub = await up(t, { args: ['--quiet'] });
  // The broker does not speak HTTP: what counts is that the handshake was verified before it went wrong.
  const { stderr } = await run('curl', ['-sv', '--max-time', '5', '--cacert', hub.file().caFile, `https://${hub.host}:8883/`]).catch((e) => e);
  assert.match(stderr, /SSL certificate verify ok/);
});

/** Sign a server certificate with the CA's key, as somebody who stole it would. */
function forge(ca, dir, san) {
  const file = path.join(dir, 'forged.pem');
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=forged', '-CA', path.join(ca, 'ca.pem'), '-CAkey', path.join(ca, 'ca.key'),
    '-keyout', path.join(dir, 'forged.key'), '-out', file, '-addext', `subjectAltName=${san}`, '-addext', 'basicConstraints=critical,CA:FALSE'], { stdio: 'ignore' });
  return file;
}
const verdict = (ca, cert) => run('openssl', ['verify', '-CAfile', path.join(ca, 'ca.pem'), cert]).then(() => 'ok', (e) => e.stderr);

test('the CA can vouch for loopback and for names of the hub, and for nothing else', async (t) => {
  const dir = temporary(t);
  const ca = path.join(dir, 'ca');
  await up(t, { args: ['--quiet', '--ca', ca] });
  for (const san of ['IP:127.8.9.1', 'IP:::1', 'DNS:localhost', 'DNS:other.azure-devices.test', 'DNS:global.azure-devices-provisioning.net'])
    assert.equal(await verdict(ca, forge(ca, dir, san)), 'ok', san);
  for (const san of ['DNS:example.com', 'DNS:azure-devices.net', 'DNS:x.azure-devices-provisioning.net', 'IP:10.0.0.1', 'IP:2001:db8::1', 'DNS:twinsim.azure-devices.test,DNS:example.com'])
    assert.match(await verdict(ca, forge(ca, dir, san)), /permitted subtree violation/, san);
  const text = execFileSync('openssl', ['x509', '-in', path.join(ca, 'ca.pem'), '-noout', '-ext', 'nameConstraints,basicConstraints,keyUsage']).toString();
  assert.equal(text.match(/critical/g).length, 3, text);
  assert.deepEqual([fs.statSync(ca).mode & 0o777, fs.statSync(path.join(ca, 'ca.key')).mode & 0o777], [0o700, 0o600]);
});

test('an unconstrained CA has a directory of its own and is never taken for the other', async (t) => {
  const dir = temporary(t);
  const [one, two] = [path.join(dir, 'one'), path.join(dir, 'two')];
  const hub = await up(t, { args: ['--quiet', '--ca', one, '--ca-unconstrained'] });
  assert.equal(await verdict(one, forge(one, dir, 'DNS:example.com')), 'ok');
  await hub.stop();
  const plain = await hub.run('up', '--host', hub.host, '--ca', one);
  assert.equal(plain.code, 4);
  assert.match(plain.stderr, /the CA in .* is unconstrained; give --ca-unconstrained, or another directory with --ca/);
  await hub.start('--quiet', '--ca', two);
  await hub.stop();
  const other = await hub.run('up', '--host', hub.host, '--ca', two, '--ca-unconstrained');
  assert.match(other.stderr, /is constrained to loopback names; give --ca-unconstrained another directory/);
  await hub.start('--quiet', '--ca-unconstrained', '--ca', one);
});

test('a host name that the CA may not vouch for is refused with what to do, and one of the first hub\'s own is fine', async (t) => {
  const ca = path.join(temporary(t), 'ca');
  const hub = await up(t, { args: ['--quiet', '--ca', ca] });
  await hub.stop();
  const { code, stderr } = await hub.run('up', '--host', hub.host, '--hostname', 'hub.example.com', '--ca', ca);
  assert.equal(code, 4);
  assert.match(stderr, /the CA in .* may not vouch for hub\.example\.com .*--ca another directory/);
  const other = await up(t, { args: ['--quiet', '--hostname', 'hub.example.com', '--ca', path.join(temporary(t), 'ca')] });
  assert.ok(await shake({ host: other.host, servername: 'hub.example.com', ca: fs.readFileSync(other.file().caFile) }));
});

test('the server certificate is kept while it fits, and made anew when the address, the name or the CA changes', async (t) => {
  const hub = await up(t, { args: ['--quiet'] });
  const read = () => fs.readFileSync(path.join(hub.data, 'server.pem'), 'utf8');
  const first = read();
  await hub.stop();
  await hub.start('--quiet');
  assert.equal(read(), first);
  await hub.stop();
  hub.host = await freeAddress(8883);
  await hub.start('--quiet');
  const second = read();
  assert.notEqual(second, first);
  assert.ok(await shake({ host: hub.host, ca: fs.readFileSync(hub.file().caFile) }));
  await hub.stop();
  await hub.start('--quiet', '--hostname', 'second.azure-devices.test');
  const third = read();
  assert.notEqual(third, second);
  await hub.stop();
  await hub.start('--quiet', '--hostname', 'second.azure-devices.test', '--ca', path.join(temporary(t), 'ca'));
  assert.notEqual(read(), third);
  assert.ok(await shake({ host: hub.host, ca: fs.readFileSync(hub.file().caFile) }));
});

test('a certificate that is near its end, cut short or without its key is made anew', async (t) => {
  const ca = path.join(temporary(t), 'ca');
  const hub = await up(t, { args: ['--quiet', '--ca', ca] });
  const file = (name) => path.join(hub.data, name);
  const old = execFileSync('openssl', ['req', '-x509', '-key', file('server.key'), '-days', '20', '-subj', '/CN=old', '-CA', path.join(ca, 'ca.pem'), '-CAkey', path.join(ca, 'ca.key'),
    '-addext', `subjectAltName=DNS:twinsim.azure-devices.test,DNS:localhost,IP:${hub.host}`, '-addext', 'basicConstraints=critical,CA:FALSE'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const spoil = [() => fs.writeFileSync(file('server.pem'), old), () => fs.truncateSync(file('server.pem'), 100), () => fs.rmSync(file('server.key'))];
  for (const harm of spoil) {
    await hub.stop();
    harm();
    await hub.start('--quiet', '--ca', ca);
    const peer = await shake({ host: hub.host, ca: fs.readFileSync(path.join(ca, 'ca.pem')) });
    assert.ok(new Date(peer.valid_to) - Date.now() > 300 * 24 * 3600e3, peer.valid_to);
  }
});

test('a CA whose files do not fit together is refused with what to do, and left as it is', async (t) => {
  const ca = path.join(temporary(t), 'ca');
  fs.mkdirSync(ca);
  fs.writeFileSync(path.join(ca, 'ca.pem'), 'no certificate');
  const hub = new Hub(path.join(temporary(t), 'data'), await freeAddress(8883));
  const { code, stderr } = await hub.run('up', '--host', hub.host, '--ca', ca);
  assert.equal(code, 4);
  assert.match(stderr, /the CA in .* is damaged .*; remove both files to get a new CA/);
  assert.equal(fs.readFileSync(path.join(ca, 'ca.pem'), 'utf8'), 'no certificate');
});

test('the CA stays the same from start to start', async (t) => {
  const data = temporary(t);
  const env = { XDG_DATA_HOME: data };
  const one = new Hub(path.join(data, 'one'), await freeAddress(8883));
  const cas = [];
  for (let i = 0; i < 2; i++) {
    assert.equal((await one.run('up', '--host', one.host, '--detach', { env })).code, 0);
    cas.push(fs.readFileSync(path.join(data, 'twinsim/ca/ca.pem'), 'utf8'));
    assert.equal((await twinsim('down', '--data', one.data)).code, 0);
  }
  assert.equal(cas[0], cas[1]);
});
