// cli-usage.test.js - the command line without a hub: what is wrong is said, with what was meant; help comes from one table.
'use strict';
const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { promisify } = require('node:util');
const { temporary, twinsim } = require('../support/twinsim.js');

const run = promisify(execFile);

test('whatever is wrong with a command line ends with 2 and one line that says what was meant', async () => {
  const rows = [
    [[], /^twinsim: a verb is missing; see: twinsim help\n$/],
    [['devise', 'list'], /there is no verb 'devise list'|there is no verb 'devise'/],
    [['statsu'], /there is no verb 'statsu'; did you mean 'status'\?/],
    [['device'], /behind 'device' stands one of create, show, list, update, delete, renew-key; see: twinsim help device\n/],
    [['scenario'], /behind 'scenario' stands one of from; see: twinsim help scenario\n/],
    [['device', 'creat', 'x'], /there is no verb 'device creat'; did you mean 'device create'\?\n/],
    [['twn', 'show', 'x'], /there is no verb 'twn show'; did you mean 'twin show'\?/],
    [['lnit', 'x.jsonc'], /there is no verb 'lnit'; did you mean 'lint'\?/],
    [['up', '--hots', '127.0.0.9'], /'twinsim up' has no option --hots; did you mean --host\?\n/],
    [['up', '--nothing-like-it'], /'twinsim up' has no option --nothing-like-it; see: twinsim help up\n/],
    [['up', '--host'], /--host needs a value: --host ADDR/],
    [['up', '--host='], /--host needs a value that is not empty/],
    [['up', '--detach=yes'], /--detach takes no value/],
    [['up', '--host', '127.0.0.2', '--host', '127.0.0.3'], /--host is given twice/],
    [['up', '--durability', 'procces'], /--durability is one of memory\|process\|power, not 'procces'; did you mean 'process'\?/],
    [['up', '--mqtts-port', '70000'], /--mqtts-port is a whole number from 1 to 65535, not '70000'/],
    [['up', '--mqtts-port', '8883x'], /not '8883x'/],
    [['up', '--mqtt-port', 'on'], /--mqtt-port is a whole number from 1 to 65535, or off, not 'on'/],
    [['up', 'extra'], /'twinsim up' does not take 'extra'/],
    [['up', '-d'], /there is no option '-d'; options begin with two dashes/],
    [['device', 'show'], /'twinsim device show' needs DEVICE/],
    [['device', 'show', 'a', 'b'], /does not take 'b'/],
    [['device', 'show', 'a b'], /'a b' is not a device id such as edge-1/],
    [['device', 'show', 'a/b'], /'a\/b' is not a device id/],
    [['device', 'show', 'x'.repeat(129)], /'x{129}' is not a device id such as edge-1 \(it has 129 characters; there may be 128\)/],
    [['module', 'show', `a/${'x'.repeat(129)}`], /is not a module id .*it has 129 characters/],
    [['clock', 'advance', '-2h'], /'-2h' begins with a minus; put -- before it: twinsim clock advance -- -2h\n/],
    [['clock', 'advance', '1'], /DURATION is one such as 1h or PT90S, or behind -- one such as -2h to go back, not '1'/],
    [['method', 'invoke', 'a', 'm', '--timeout', '1s'], /--timeout is 5s to 300s, not '1s'/],
    [['method', 'invoke', 'a', 'm', '--connect-timeout', '1h'], /--connect-timeout is 0s to 300s, not '1h'/],
    [['fault', 'add', 'lose', 'a', '--topic', '#\/a'], /: --topic is an MQTT filter/],
    [['module', 'show', 'a'], /'a' is not a module id such as edge-1\/azureiotsecurity/],
    [['device', 'update', 'a'], /nothing to change/],
    [['twin', 'update', 'a'], /give --desired, --tags or both/],
    [['twin', 'update', 'a', '--desired', '{"a":'], /--desired is no JSON: .* at column 6; to give a file, write --desired @FILE/],
    [['twin', 'history', 'a', '--top', '0'], /--top is a whole number from 1/],
    [['connection-string'], /give either an id or --policy NAME/],
    [['connection-string', 'a', '--policy', 'service'], /give either an id or --policy NAME/],
    [['connection-string', '--policy', 'servce'], /--policy is one of .*; did you mean 'service'\?/],
    [['sas-token', 'a', '--ttl', '1 hour'], /--ttl is a duration .* not '1 hour'/],
    [['sas-token', 'a', '--ttl', '-5m'], /--ttl is a duration/],
    [['security', 'init'], /give either --all or the devices/],
    [['security', 'init', '--all', 'a'], /give either --all or the devices/],
    [['security', 'init', 'a/b'], /'a\/b' is not a device id/],
    [['fault', 'add', 'explode', 'a'], /no fault 'explode'; there are status, lose/],
    [['fault', 'add', 'stauts', 'a'], /no fault 'stauts'; .*; did you mean 'status'\?/],
    [['fault', 'add', 'status', 'a'], /a fault 'status' needs --status, for example 429\n/],
    [['fault', 'add', 'expire', 'a', '--after', '2'], /: --after needs an --operation: without one 'expire' strikes once/],
    [['fault', 'add', 'delay', 'a', '--delay', 'soon'], /: --delay is a duration/],
    [['fault', 'add', 'version', '--by', '2h'], /--by is a number, not '2h'/],
    [['fault', 'add', 'lose', '--operation', 'connect'], /strikes on twin-get, reported, desired, telemetry, message, not on 'connect'/],
    [['fault', 'clear', 'all'], /a fault has a number/],
    [['monitor', 'a/b/c'], /'a\/b\/c' is not an id/],
    [['completion', 'fish'], /there is completion for bash and zsh, not for 'fish'/],
    [['help', 'nothing'], /there is no verb 'nothing'/],
    [['import', 'x', '--keep', '--replace'], /exclude each other/],
  ];
  for (const [args, expected] of rows) {
    const { code, stdout, stderr } = await twinsim(...args);
    assert.deepEqual([code, stdout], [2, ''], `${args.join(' ')}: ${stdout}${stderr}`);
    assert.match(stderr, expected, args.join(' '));
    assert.match(stderr, /^twinsim: [^\n]*\n$/, args.join(' '));
  }
});

test('with --json an error is an object on standard error', async () => {
  for (const [args, code] of [[['device', 'show', '--json'], 2], [['device', 'shwo', 'x', '--json'], 2], [['up', '--bad', '--json'], 2], [['status', '--json', '--data', '/nowhere'], 4]]) {
    const result = await twinsim(...args);
    assert.deepEqual([result.code, result.stdout], [code, '']);
    const { error } = JSON.parse(result.stderr);
    assert.deepEqual([error.code, typeof error.message], [code, 'string']);
  }
});

test('files that are not valid end with 3 and file, line and column', async (t) => {
  const dir = temporary(t);
  const write = (name, text) => {
    fs.writeFileSync(path.join(dir, name), text);
    return path.join(dir, name);
  };
  const rows = [
    [write('cut.json', '{\n  "deviceId": "a",\n'), /cut\.json:3:1: /],
    [write('nobody.json', '{"tags":{}}'), /nobody\.json:1:1: there is no "deviceId"/],
    [write('second.json', '[{"deviceId":"a"},\n {"tags":{}}]'), /second\.json:2:2: there is no "deviceId"/],
    [write('id.json', '{"deviceId":"a b"}'), /id\.json:1:1: "deviceId" or "moduleId" is no valid id/],
    [write('number.json', '[1]'), /number\.json:1:2: an identity is an object/],
    [path.join(dir, 'missing.json'), /missing\.json cannot be read: No such file/],
  ];
  for (const [file, expected] of rows) {
    for (const args of [['import', file], ['up', '--seed', file, '--data', path.join(dir, 'data')]]) {
      const { code, stderr } = await twinsim(...args);
      assert.deepEqual([code, expected.test(stderr)], [3, true], `${args.join(' ')}: ${stderr}`);
    }
    assert.ok(!fs.existsSync(path.join(dir, 'data')), 'nothing was started or made');
  }
  const patch = await twinsim('twin', 'update', 'a', '--desired', `@${write('p.json', '{"a":\n  01}')}`);
  assert.deepEqual([patch.code, /p\.json:2:\d+: /.test(patch.stderr)], [3, true], patch.stderr);
});

test('the first word of several verbs lists them', async () => {
  const { code, stdout } = await twinsim('help', 'message');
  assert.equal(code, 0);
  assert.match(stdout, /^usage: twinsim message VERB(.|\n)*  message send .*\n  message list .*\n  message purge /);
  assert.deepEqual(await twinsim('message', '--help'), { code, stdout, stderr: '' });
});

test('every verb explains itself: usage, options, examples that begin with a verb there is', async () => {
  const overview = (await twinsim('help')).stdout;
  const verbs = [...overview.matchAll(/^ {2}(\S+(?: \S+)*?) {2,}\S/gm)].map((m) => m[1]);
  assert.ok(verbs.length > 25 && verbs.includes('device create'), verbs.join());
  for (const verb of verbs) {
    const long = await twinsim('help', ...verb.split(' '));
    const short = await twinsim(...verb.split(' '), '--help');
    assert.deepEqual([long.code, short.code, short.stdout], [0, 0, long.stdout], verb);
    assert.ok(long.stdout.startsWith(`usage: twinsim ${verb} `), verb);
    const examples = long.stdout.split('\nexamples:\n')[1].trimEnd().split('\n');
    assert.ok(examples.length > 0, verb);
    for (const line of examples) assert.ok(verbs.some((v) => line.includes(`twinsim ${v}`)), `${verb}: ${line}`);
    assert.ok(long.stdout.split('\n').length > 8, verb);
  }
  assert.equal((await twinsim('--help')).stdout, overview);
  assert.match((await twinsim('--version')).stdout, /^twinsim \d+\.\d+\.\d+\n$/);
});

test('the man page holds every verb and is clean roff', async (t) => {
  const page = (await twinsim('help', '--man')).stdout;
  const overview = (await twinsim('help')).stdout;
  for (const [, verb] of overview.matchAll(/^ {2}(\S+(?: \S+)*?) {2,}\S/gm)) assert.ok(page.includes(`.SS ${verb.replaceAll('-', '\\-')}`), verb);
  const file = path.join(temporary(t), 'twinsim.1');
  fs.writeFileSync(file, page);
  const checked = await run('man', ['--warnings', '-E', 'UTF-8', '-l', file], { env: { ...process.env, MANWIDTH: '100', MANPAGER: 'cat' } }).catch((e) => e);
  if (checked.code === 'ENOENT') return t.skip('no man');
  assert.equal(checked.stderr, '');
});

test('completion offers verbs, their second words and their options', async (t) => {
  const { stdout: script } = await twinsim('completion', 'bash');
  const file = path.join(temporary(t), 'completion');
  fs.writeFileSync(file, script);
  const complete = async (...words) => {
    const list = words.map((w) => `'${w}'`).join(' ');
    const text = `. '${file}'; COMP_WORDS=(${list}); COMP_CWORD=${words.length - 1}; _twinsim; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return (await run('bash', ['-c', text])).stdout.trim().split('\n');
  };
  assert.deepEqual(await complete('twinsim', 'de'), ['device']);
  assert.deepEqual((await complete('twinsim', 'device', '')).sort(), ['create', 'delete', 'list', 'renew-key', 'show', 'update']);
  assert.deepEqual(await complete('twinsim', 'up', '--ho'), ['--host', '--hostname']);
  assert.deepEqual(await complete('twinsim', 'up', '--data', 'x', '--host', '127.0.0.2', '--dur'), ['--durability']);
  assert.deepEqual(await complete('twinsim', 'device', 'create', '--pri'), ['--primary-key']);
  const zsh = (await twinsim('completion', 'zsh')).stdout;
  assert.match(zsh, /^#compdef twinsim\n/);
});
