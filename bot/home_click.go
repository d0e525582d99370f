package bot

import (
	"context"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/keyholder/keyholder/workflows"
)

// Buttons of the App Home itself. They open what can be typed; no card has them, and outside the
// Home they are no buttons of ours.
const (
	homeMachine    = "home"
	homeBlock      = "home:0"
	homeDelegated  = "home:1"
	homeRequest    = "home.access"
	homeHand       = "home.transfer"
	homeKey        = "home.key"
	homeReview     = "home.review"
	homeRecover    = "home.recover"
	homeUndelegate = "home.undelegate"
)

// homeButtons open the forms that somebody may send.
func (v *visit) homeButtons(mine []myAccount) []slack.BlockElement {
	hand, keys, reviews := false, false, false
	for _, m := range mine {
		hand, keys, reviews = hand || m.hand(), keys || m.key(), reviews || m.administers
	}
	var out []slack.BlockElement
	for _, b := range []struct {
		shown         bool
		action, label string
	}{
		{v.b.o.Forms["access"] != nil, homeRequest, "Ask for access…"},
		{v.b.o.Forms["transfer"] != nil && hand, homeHand, "Hand an account over…"},
		{v.b.o.Forms["key"] != nil && keys, homeKey, "Take the key…"},
		{reviews, homeReview, "Start a review"},
		{v.b.o.Forms["recovery"] != nil, homeRecover, "Nobody can sign in…"},
	} {
		if b.shown || len(out) == 0 && b.action == homeRecover {
			out = append(out, slack.NewButtonBlockElement(b.action, homeMachine, plainText(b.label)))
		}
	}
	return out
}

// isHome reports whether a click is on the Home's own buttons.
func isHome(cmd workflows.Command) bool { return strings.HasPrefix(cmd.Name, homeMachine+".") }

// homeClick does what a button of the Home says.
func (v *visit) homeClick(ctx context.Context) (workflows.Reply, error) {
	if err := v.member(ctx); err != nil {
		return workflows.Reply{}, err
	}
	switch v.cmd.Name {
	case homeRequest:
		return v.request(ctx, "access", "")
	case homeHand:
		return v.request(ctx, "transfer", "")
	case homeRecover:
		return v.request(ctx, "recovery", "")
	case homeUndelegate:
		cmd := v.cmd
		cmd.Name = "delegate"
		return v.b.o.Desk.Delegate(ctx, cmd, "", time.Time{})
	case homeKey:
		return v.onlyOne(ctx, myAccount.key, keyUse, v.wordKey)
	case homeReview:
		return v.onlyOne(ctx, func(m myAccount) bool { return m.administers }, "start", v.wordReview)
	}
	return workflows.Reply{}, coded(codeUnknownButton)
}

// onlyOne does something with the one account for which somebody may, or asks which one they mean.
func (v *visit) onlyOne(ctx context.Context, may func(myAccount) bool, do string,
	word func(context.Context, string) (workflows.Reply, error)) (workflows.Reply, error) {
	accounts, err := v.b.o.Desk.Accounts(ctx)
	if err != nil {
		return workflows.Reply{}, err
	}
	var of []workflows.AccountInfo
	for _, m := range v.mine(ctx, accounts) {
		if may(m) {
			of = append(of, m.AccountInfo)
		}
	}
	command := map[string]string{keyUse: "key", "start": "review"}[do]
	switch len(of) {
	case 0:
		return workflows.Reply{}, workflows.Refuse("not_permitted",
			"No account of yours allows you that any more. Nothing was recorded.")
	case 1:
		return word(ctx, of[0].Policy.ID+" "+do)
	}
	return workflows.Reply{}, workflows.Refuse("which_account", "For which account? Type `"+v.b.o.Command+" "+command+
		" ACCOUNT "+do+"` with one of "+names(of)+".")
}

func plainText(s string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, s, false, false)
}
