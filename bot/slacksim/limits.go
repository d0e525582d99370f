package slacksim

import "github.com/keyholder/keyholder/bot/slacksim/blockkit"

// limits is every size of the service; those of blocks and views stand in package blockkit.
var limits = map[string]blockkit.Bound{
	"view.bytes":          {Min: 0, Max: 250_000, Source: "methods/views.open, error view_too_large"},
	"message.attachments": {Min: 0, Max: 100, Source: "methods/chat.postMessage, error too_many_attachments"},
	"message.bytes": {Min: 0, Max: 250_000,
		Source: "error msg_blocks_too_long; the size is not documented, the view's is used"},
	"message.text":   {Min: 0, Max: 40_000, Source: "methods/chat.postMessage: longer texts are truncated"},
	"update.text":    {Min: 0, Max: 4_000, Source: "methods/chat.update, error msg_too_long"},
	"metadata.bytes": {Min: 0, Max: 16_384, Source: "methods/chat.postMessage, error metadata_too_large"},
	"view.stack":     {Min: 1, Max: 3, Source: "surfaces/modals: the first view and two pushed onto it"},
	"ack.bytes": {Min: 0, Max: 20_479,
		Source: "github.com/slack-go/slack issue 1196: acks of 20 480 bytes or more are dropped"},
	"socket.connections": {Min: 0, Max: 10, Source: "apis/events-api/using-socket-mode"},
	"response_url.uses":  {Min: 0, Max: 5, Source: "interactivity/handling-user-interaction"},
	"schedule.days":      {Min: 0, Max: 120, Source: "methods/chat.scheduleMessage, error time_too_far"},
	"schedule.burst": {Min: 0, Max: 30,
		Source: "methods/chat.scheduleMessage, error restricted_too_many: within 5 minutes of one channel"},
	"conversations.open.people": {Min: 1, Max: 8, Source: "methods/conversations.open"},
}

// limit returns the bound of that name. An unknown name is a fault of this package, never of its input.
func limit(name string) blockkit.Bound {
	b, ok := limits[name]
	if !ok {
		panic("slacksim: no limit named " + name)
	}
	return b
}
