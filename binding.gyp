# Only for a clone. The npm package must not have this file: `npm ci` would compile it. scripts/build-native.mjs makes it.
{ "includes": ["native/addon.gypi"] }
