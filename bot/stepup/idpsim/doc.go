// Package idpsim is an identity provider that runs locally: OpenID Connect discovery and keys, the device
// flow of RFC 8628, and one page where a person is chosen and a button stands for their passkey. It is for
// tests and the demo: whoever can reach it can be anybody.
//
// It imports nothing of ours. Tests bend what it says ([Server.Bend]) and break it ([Server.SetDown]).
package idpsim
