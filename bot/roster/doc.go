// Package roster answers facts about people from Slack: who somebody is, whether they may decide,
// which address is theirs, who is in a user group, who is absent. It may import workflows and
// slackapi.
//
// # Guarantees
//
//   - What is answered was said by Slack within [MaxAge]; somebody whom Slack does not know is an
//     answer, not being able to ask is
//     [workflows.ErrAway], and nothing is guessed between the two.
//   - Those who ask the same at the same time share one look-up, which outlives an impatient caller.
//   - Who was dropped ([Roster.Drop]) is looked up afresh, also when a look-up was under way.
//
// Absence is read from status text and emoji by one table (away.go); a status that has ended does not count.
package roster
