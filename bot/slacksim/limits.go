package slacksim

// bound is the permitted size of one thing, both ends included. For texts and ids the unit is Unicode code points, for
// lists items, for a view bytes of JSON.
type bound struct {
	min, max int
	// source says where the number is documented, as a path under docs.slack.dev/reference unless it says otherwise.
	source string
}

// limits is every size the validation knows. The numbers are Slack's; they change a few times a year (actions went from
// 5 to 25 elements), so they stand here together and nowhere else.
var limits = map[string]bound{
	"message.blocks":      {0, 50, "block-kit/blocks"},
	"modal.blocks":        {0, 100, "views/modal-views"},
	"home.blocks":         {0, 100, "views/home-tab-views"},
	"view.bytes":          {0, 250_000, "methods/views.open, error view_too_large"},
	"message.attachments": {0, 100, "methods/chat.postMessage, error too_many_attachments"},
	"message.bytes": {0, 250_000,
		"error msg_blocks_too_long; the size is not documented, the view's is used"},
	"message.text":          {0, 40_000, "methods/chat.postMessage: longer texts are truncated"},
	"update.text":           {0, 4_000, "methods/chat.update, error msg_too_long"},
	"metadata.bytes":        {0, 16_384, "methods/chat.postMessage, error metadata_too_large"},
	"markdown.text":         {1, 12_000, "block-kit/blocks/markdown-block, all markdown blocks together"},
	"message.tables":        {0, 1, "block-kit/blocks/table-block"},
	"table.rows":            {1, 100, "block-kit/blocks/table-block"},
	"table.cells":           {1, 20, "block-kit/blocks/table-block"},
	"rich_text.indent":      {0, 8, "block-kit/blocks/rich-text-block; @slack/types, RichTextList"},
	"rich_text.border":      {0, 1, "block-kit/blocks/rich-text-block"},
	"block_id":              {1, 255, "block-kit/blocks"},
	"action_id":             {1, 255, "block-kit/block-elements"},
	"text":                  {1, 3000, "block-kit/composition-objects/text-object"},
	"section.text":          {1, 3000, "block-kit/blocks/section-block"},
	"section.fields":        {1, 10, "block-kit/blocks/section-block"},
	"section.field":         {1, 2000, "block-kit/blocks/section-block"},
	"header.text":           {1, 150, "block-kit/blocks/header-block"},
	"context.elements":      {1, 10, "block-kit/blocks/context-block"},
	"actions.elements":      {1, 25, "block-kit/blocks/actions-block"},
	"image.alt_text":        {1, 2000, "block-kit/blocks/image-block"},
	"image.image_url":       {1, 3000, "block-kit/blocks/image-block"},
	"image.title":           {1, 2000, "block-kit/blocks/image-block"},
	"video.alt_text":        {1, 200, "block-kit/blocks/video-block; slackblocks spec/limits.json"},
	"video.title":           {1, 200, "block-kit/blocks/video-block"},
	"video.description":     {1, 200, "block-kit/blocks/video-block"},
	"input.label":           {1, 2000, "block-kit/blocks/input-block"},
	"input.hint":            {1, 2000, "block-kit/blocks/input-block"},
	"button.text":           {1, 75, "block-kit/block-elements/button-element"},
	"button.value":          {0, 2000, "block-kit/block-elements/button-element"},
	"button.url":            {0, 3000, "block-kit/block-elements/button-element"},
	"button.accessibility":  {0, 75, "block-kit/block-elements/button-element"},
	"confirm.title":         {1, 100, "block-kit/composition-objects/confirmation-dialog-object"},
	"confirm.text":          {1, 300, "block-kit/composition-objects/confirmation-dialog-object"},
	"confirm.confirm":       {1, 30, "block-kit/composition-objects/confirmation-dialog-object"},
	"confirm.deny":          {1, 30, "block-kit/composition-objects/confirmation-dialog-object"},
	"option.text":           {1, 75, "block-kit/composition-objects/option-object"},
	"option.value":          {1, 150, "block-kit/composition-objects/option-object"},
	"option.description":    {1, 75, "block-kit/composition-objects/option-object"},
	"option.url":            {0, 3000, "block-kit/composition-objects/option-object"},
	"option_group.label":    {1, 75, "block-kit/composition-objects/option-group-object"},
	"select.options":        {1, 100, "block-kit/block-elements/select-menu-element"},
	"select.option_groups":  {1, 100, "block-kit/block-elements/select-menu-element"},
	"placeholder":           {1, 150, "block-kit/block-elements/select-menu-element"},
	"overflow.options":      {1, 5, "block-kit/block-elements/overflow-menu-element"},
	"checkboxes.options":    {1, 10, "block-kit/block-elements/checkboxes-element"},
	"radio_buttons.options": {1, 10, "block-kit/block-elements/radio-button-group-element"},
	"plain_text_input.max":  {1, 3000, "block-kit/block-elements/plain-text-input-element"},
	"plain_text_input.min":  {0, 3000, "block-kit/block-elements/plain-text-input-element"},
	"input.initial_value":   {0, 3000, "block-kit/block-elements/plain-text-input-element"},
	"file_input.max_files":  {1, 10, "block-kit/block-elements/file-input-element"},
	"view.title":            {1, 24, "views/modal-views"},
	"view.submit":           {1, 24, "views/modal-views"},
	"view.close":            {1, 24, "views/modal-views"},
	"view.private_metadata": {0, 3000, "views/modal-views"},
	"view.callback_id":      {0, 255, "views/modal-views"},
	"view.external_id":      {0, 255, "views/modal-views"},
	"view.stack":            {1, 3, "surfaces/modals: the first view and two pushed onto it"},
	"ack.bytes": {0, 20_479,
		"github.com/slack-go/slack issue 1196: acks of 20 480 bytes or more are dropped"},
	"socket.connections": {0, 10, "apis/events-api/using-socket-mode"},
	"response_url.uses":  {0, 5, "interactivity/handling-user-interaction"},
	"schedule.days":      {0, 120, "methods/chat.scheduleMessage, error time_too_far"},
	"schedule.burst": {0, 30,
		"methods/chat.scheduleMessage, error restricted_too_many: within 5 minutes of one channel"},
	"conversations.open.people": {1, 8, "methods/conversations.open"},
}

// limit returns the bound of that name. An unknown name is a fault of this package, never of its input.
func limit(name string) bound {
	b, ok := limits[name]
	if !ok {
		panic("slacksim: no limit named " + name)
	}
	return b
}
