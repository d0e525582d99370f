// Package cmd holds the programs, each in a folder of its own, and nothing itself but the tests
// that guard the whole house: which room may import which, who may read a clock, what every folder
// must have, and that the README tells the truth. It has no code to import.
//
//	keyholder       the bot and the operator's commands
//	keyholder-demo  the same bot with its surroundings inside, for a laptop and for tests
//
// # Decisions
//
//   - The rules are tests, so that plain go test guards them without a linter to install. A broken
//     rule says what to do.
//   - What a room may import of other people's code is a list of what it does import. A new entry
//     is a decision that somebody reads.
//   - The tests ask the go command for the imports and parse the source for clocks; the rest is read as text.
package cmd
