// Package machinetest is what the tests of every machine share: transcripts that are played and
// compared ([Transcripts]), and how many random stories are told by default ([Main]). A machine's
// own world, its commands and what must hold always stand in its own tests: they are what differs.
//
// Only tests import it. It may import nothing of ours.
package machinetest
