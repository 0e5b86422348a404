// Package security owns who a client is and what it may do: TLS, the SASL dialogues, ACLs, quotas and delegation tokens.
//
// What decides is pure and takes the time as an argument: [Login] is the SASL dialogue of one connection, [Authorizer]
// asks the ACLs of the newest metadata image, [Quotas] keeps what clients have used against what they may use. Around
// them stand the parts that touch the world: [TLS] reads key stores and hands out the newest one, [KeySet] reads the
// keys of a token issuer.
//
// The package reads metadata images and nothing else of ours; who wires it (package broker) reads the configuration, and
// package api turns its answers into responses.
//
// Invariants:
//
//   - Secrets are compared in constant time (CVE-2021-38153), and an unknown user costs and looks like a known one.
//   - What is wrong with a login is told to the client in words that name no other user and no secret.
//   - Deny beats allow, whatever the order of ACLs (CVE-2024-27309).
//   - A configuration that would let everybody in by accident refuses to start (CVE-2026-33557).
//
// KIP-12 (SASL, TLS), KIP-48 (delegation tokens), KIP-84 and KIP-554 (SCRAM), KIP-255 and KIP-768 (OAUTHBEARER), KIP-290
// (prefixed ACLs), KIP-368 (re-authentication), KIP-371 (principal mapping), KIP-13, KIP-55, KIP-124, KIP-599 and KIP-612
// (quotas), KIP-1276 (CIDR hosts).
package security
