// service.js - the hub's side of the cases: commands on the control topic, and every event, by whom it concerns.
'use strict';
const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { Client, TYPE, publishPacket } = require('../../support/mqtt-wire.js');
const sas = require('../../support/sas.js');

const CONTROL = '$CONTROL/twinsim/v1';

/** A service client of a running hub. Commands run side by side; what the hub tells goes to the mailbox of its device. */
class Service {
  constructor() {
    this.calls = new Map(); // by the first command's correlation data
    this.last = 0;
    this.mailboxes = new Map(); // by device id
  }

  /** file: what hub.json holds. mailboxes: those of a connection before this one. */
  static async connect(file, mailboxes = new Map()) {
    const parts = Object.fromEntries(file.serviceConnectionString.split(';').map((p) => [p.slice(0, p.indexOf('=')), p.slice(p.indexOf('=') + 1)]));
    const skn = parts.SharedAccessKeyName;
    const password = sas.token({ sr: parts.HostName, key: Buffer.from(parts.SharedAccessKey, 'base64'), skn });
    const s = new Service();
    s.mailboxes = mailboxes;
    s.mqtt = await Client.connect({ path: file.socket, clientId: `service//${crypto.randomUUID()}`, username: `${skn}@sas.root.twinsim`, password });
    assert.equal(s.mqtt.connack?.code, 0, 'the service client is accepted');
    s.mqtt.arrived = (p) => (p.type === TYPE.PUBLISH ? s.arrived(p) : Client.prototype.arrived.call(s.mqtt, p));
    s.mqtt.end = () => {
      Client.prototype.end.call(s.mqtt);
      for (const call of s.calls.values()) call.reject(new Error('the hub closed the connection of its service'));
    };
    assert.deepEqual(await s.mqtt.subscribe('$twinsim/v1/#', 0), [0], 'the event stream is granted');
    return s;
  }

  arrived(p) {
    const message = JSON.parse(p.payload.toString());
    if (p.topic !== `${CONTROL}/response`) {
      this.mailboxes.get(message.device ?? message.clientId?.split('/')[0])?.put(message);
      return;
    }
    const tag = message.responses[0].correlationData;
    this.calls.get(tag)?.resolve(message.responses);
    this.calls.delete(tag);
  }

  /** Several commands in one message; resolves to their responses, {status, body}. */
  commands(list) {
    const tags = list.map(() => `t${++this.last}`);
    return new Promise((resolve, reject) => {
      if (this.mqtt.isClosed) reject(new Error('the hub closed the connection of its service'));
      this.calls.set(tags[0], { resolve, reject });
      this.mqtt.send(publishPacket(CONTROL, JSON.stringify({ commands: list.map((c, i) => ({ correlationData: tags[i], ...c })) })));
    });
  }

  close() {
    return this.mqtt.drop();
  }
}

module.exports = { Service };
