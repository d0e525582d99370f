// Package machinetest is what the tests of every machine share: transcripts that are played and
// compared ([Transcripts]), a world in which one workflow at a time goes its way without desk, store
// or clock ([World]), and how many random stories are told by default ([Main]). A machine's own
// commands and what must hold always stand in its own tests: they are what differs.
//
// Only tests import it. It may import workflows and approvals.
package machinetest
