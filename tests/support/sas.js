// sas.js - shared access signatures and the well-known development keys, made without any code of the hub.
'use strict';
const crypto = require('node:crypto');

const SEED = 'twinsim-development-keys';

const hmac = (key, text) => crypto.createHmac('sha256', key).update(text).digest();

/** The key of a policy, or of an identity ("dev" or "dev/mod") whose keys were renewed `turn` times. */
const policyKey = (policy, seed = SEED) => hmac(seed, `policy|${policy}`);
const identityKey = (id, { turn = 0, which = 'primary', seed = SEED } = {}) => hmac(seed, `identity|${id}|${turn}|${which}`);

/** What a device signs for: "{host}/devices/{d}[/modules/{m}]", percent-encoded as most clients do. */
function scope(host, id) {
  const [device, module] = id.split('/');
  const path = `${host}/devices/${device}` + (module ? `/modules/${module}` : '');
  return encodeURIComponent(path);
}

/** A token over `sr` exactly as given. `se` in seconds since 1970; an hour from now unless told. */
function token({ sr, key, se = Math.floor(Date.now() / 1000) + 3600, skn }) {
  const sig = encodeURIComponent(hmac(key, `${sr}\n${se}`).toString('base64'));
  return `SharedAccessSignature sr=${sr}&sig=${sig}&se=${se}` + (skn ? `&skn=${skn}` : '');
}

module.exports = { SEED, policyKey, identityKey, scope, token };
