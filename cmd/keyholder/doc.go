// Keyholder moves ownership, access and reviews of integrator.io accounts through Slack, with approvals.
//
//	keyholder run      --config keyholder.yaml   the bot
//	keyholder check    --config keyholder.yaml   every fault at once, then Redis, Slack and each account's API
//	keyholder init                               asks a few questions and writes keyholder.yaml
//	keyholder manifest                           the Slack app manifest
//	keyholder audit verify                       recomputes the hash chain
//	keyholder audit export                       every event as JSON lines
//	keyholder backup FILE                        the record as one file
//	keyholder restore FILE                       that file back, where nothing is
//	keyholder erase PERSON --by WHO --why TEXT   what is about one person, out of the record
//	keyholder review export ID --out DIR         the evidence of a review, for an auditor
//	keyholder review import ID FILE ...          the list of users of an environment that no token reads
//
// run and check take --config several times, or a folder: one file for each workspace.
//
// Exit codes: 0 good, 1 faults, 2 usage. This package wires and prints; the rest is in its folders
// config (the file) and serve (the running bot).
package main
