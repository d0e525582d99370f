package bot

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"github.com/keyholder/keyholder/workflows"
)

func itoa(n int) string { return strconv.Itoa(n) }

// RenderModal turns a form into a view. Texts are cut to Slack's limits. The error is a fault of whoever made the form: a name or metadata that
// cannot be cut without losing their meaning.
func RenderModal(m workflows.Modal) (slack.ModalViewRequest, error) {
	meta, err := json.Marshal(metadata{Workflow: m.Workflow, Account: m.Account, Action: m.Action, Round: m.Round})
	if err != nil {
		return slack.ModalViewRequest{}, fmt.Errorf("encode the form's metadata: %w", err)
	}
	if utf8.RuneCount(meta) > maxMetaLength || utf8.RuneCountInString(m.Callback) > limitID {
		return slack.ModalViewRequest{}, fmt.Errorf("render form %.40q: its metadata or callback is too long", m.Callback)
	}
	v := slack.ModalViewRequest{
		Type: slack.VTModal, CallbackID: m.Callback, PrivateMetadata: string(meta),
		Title:  plainText(or(plain(m.Title, limitModalTitle), "Keyholder")),
		Submit: plainText(or(plain(m.Submit, limitModalTitle), "Send")),
		Close:  plainText("Back"),
	}
	var inputs []slack.Block
	seen := map[string]bool{}
	for _, in := range m.Inputs {
		if in.Block == "" || utf8.RuneCountInString(in.Block) > limitID || seen[in.Block] || len(inputs) == limitModalBlocks-1 {
			continue
		}
		seen[in.Block] = true
		inputs = append(inputs, input(in))
	}
	v.Blocks.BlockSet = append(paragraphs(m.Intro, limitModalBlocks-len(inputs)), inputs...)
	if len(v.Blocks.BlockSet) == 0 {
		v.Blocks.BlockSet = []slack.Block{section(or(cut(workflows.Esc(plain(m.Title, limitSection)), limitSection), "Keyholder"))}
	}
	if raw, err := json.Marshal(v); err != nil || len(raw) > limitView {
		return slack.ModalViewRequest{}, errors.Join(errFormTooLarge, err)
	}
	return v, nil
}

// errFormTooLarge: the form has more text and options than a view may hold.
var errFormTooLarge = errors.New("render the form: it is larger than Slack takes")

func input(in workflows.Input) *slack.InputBlock {
	label := plainText(or(plain(in.Label, limitLabel), plain(in.Block, limitLabel)))
	var hint *slack.TextBlockObject
	if h := plain(in.Hint, limitLabel); h != "" {
		hint = plainText(h)
	}
	b := slack.NewInputBlock(in.Block, label, hint, element(in))
	b.Optional = in.Optional
	return b
}

// element makes the input's element. A select without a usable option becomes a text field, one value a line, because Slack refuses an empty one.
func element(in workflows.Input) slack.BlockElement {
	var placeholder *slack.TextBlockObject
	if p := plain(in.Placeholder, limitPlaceholder); p != "" {
		placeholder = plainText(p)
	}
	switch in.Kind {
	case workflows.InputUser:
		e := slack.NewOptionsSelectBlockElement(slack.OptTypeUser, placeholder, in.Block)
		if personPattern.MatchString(in.Initial) {
			e.InitialUser = in.Initial
		}
		return e
	case workflows.InputSelect:
		if opts := options(in.Options, limitOptions); len(opts) > 0 {
			e := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, placeholder, in.Block, opts...)
			if first := chosen(opts, in.Initial); len(first) > 0 {
				e.InitialOption = first[0]
			}
			return e
		}
	case workflows.InputMulti:
		if opts := options(in.Options, limitOptions); len(opts) > 0 {
			e := slack.NewOptionsMultiSelectBlockElement(slack.MultiOptTypeStatic, placeholder, in.Block, opts...)
			e.InitialOptions = chosen(opts, in.Initial)
			return e
		}
	case workflows.InputChecks:
		if opts := options(in.Options, limitChecks); len(opts) > 0 {
			e := slack.NewCheckboxGroupsBlockElement(in.Block, opts...)
			e.InitialOptions = chosen(opts, in.Initial)
			return e
		}
	}
	e := slack.NewPlainTextInputBlockElement(placeholder, in.Block)
	e.Multiline = in.Multiline || in.Kind == workflows.InputMulti
	e.MaxLength = limitInput
	if in.MaxLength > 0 {
		e.MaxLength = min(in.MaxLength, limitInput)
	}
	e.InitialValue = workflows.Clip(in.Initial, e.MaxLength)
	return e
}

// options drops those that Slack would refuse: a value cannot be cut, for it means something.
func options(in []workflows.Option, most int) []*slack.OptionBlockObject {
	var out []*slack.OptionBlockObject
	seen := map[string]bool{}
	for _, o := range in {
		if o.Value == "" || utf8.RuneCountInString(o.Value) > limitOptionValue || seen[o.Value] || len(out) == most {
			continue
		}
		seen[o.Value] = true
		label := or(plain(o.Label, limitOption), plain(o.Value, limitOption))
		if label == "" {
			continue
		}
		var description *slack.TextBlockObject
		if d := plain(o.Description, limitOption); d != "" {
			description = plainText(d)
		}
		out = append(out, slack.NewOptionBlockObject(o.Value, plainText(label), description))
	}
	return out
}

// chosen are the options whose values stand in initial, one a line.
func chosen(opts []*slack.OptionBlockObject, initial string) []*slack.OptionBlockObject {
	var out []*slack.OptionBlockObject
	values := strings.Split(initial, "\n")
	for _, o := range opts {
		if slices.Contains(values, o.Value) {
			out = append(out, o)
		}
	}
	return out
}
