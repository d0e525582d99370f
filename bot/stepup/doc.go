// Package stepup lets people show who they are at the company's own identity provider, so that a stolen
// Slack session alone decides nothing: OpenID Connect (Core 1.0, Discovery 1.0) by device authorization
// (RFC 8628). The bot needs no public address for it and stores nothing of the person.
//
// Beside it, or without it, stand one-time codes of authenticator apps (TOTP, RFC 6238), by
// github.com/pquerna/otp, which makes keys, codes and QR pictures: [Codes].
//
// It may import workflows. It knows nothing of clicks, cards and the record: what is done with a proof is
// the bot's.
//
// # What holds
//
// A link and a code are made for one person and answered to the caller alone. The ID token that comes of
// them is taken only if its signature is of a key that the provider publishes, by an algorithm with a
// public key; issuer and audience are the configured ones; it is not expired; the person signed in no
// longer ago than [Options.MaxAge]; and it names the very person who was asked, by the address that Slack
// has confirmed, or by their Slack ID in another claim. Clocks may differ by [Skew]. A proof serves that
// person in that workspace for the rest of MaxAge, in this process only: nothing of it is stored, as a hand
// in Redis could else write one; after a restart people are asked anew.
//
// Nothing of a proof is a secret but the device code and the tokens, which are in no log and no message,
// and are dropped when the proof is there.
//
// # One-time codes
//
// A secret is made here, shown once to its person, and leaves this room only sealed: AES-256-GCM under a key that
// HKDF derives from KEYHOLDER_SEAL_KEY, bound to the person, their workspace and what it is for. A code is looked at
// by the step of time that it belongs to, the one of now or one away. Which steps were used, and how many codes were
// wrong, is the record's ([workflows/authenticator]): the commit there makes a code serve once, for all replicas.
package stepup
