// Package draw draws cards and forms with Slack's Block Kit, within its limits: what is too long is
// cut where it hurts least, never inside a mention or a link.
//
//	Card  -> Render      -> blocks of a message
//	Modal -> RenderModal -> a view; what it carries about itself is [Metadata]
//
// # Guarantees
//
//   - What is drawn, Slack takes: every limit that it documents is kept, or an error says which a form
//     broke.
//   - The same card gives the same blocks; no I/O, no clock.
//
// The package imports workflows and bot/roster, and slack-go for the blocks.
package draw
