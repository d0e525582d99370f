package bot

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"github.com/keyholder/keyholder/bot/draw"
	"github.com/keyholder/keyholder/bot/roster"
	"github.com/keyholder/keyholder/bot/slackapi"
	"github.com/keyholder/keyholder/workflows"
)

// The App Home is where people work: what waits for them with its buttons, what they have and asked
// for, the accounts that are theirs, and the forms. It is made of the record each time, and kept up
// to date while it is open (home_open.go).

// homeTimeout bounds making and publishing the App Home.
const homeTimeout = 8 * time.Second

// limitHome is how many blocks an App Home may have. Source: views, "up to 100 blocks".
const limitHome = 100

// Shares of the blocks, so that nothing crowds out the rest.
const (
	homeCards  = 44 // cards of what waits
	homeAccess = 12
)

// appHome publishes the App Home for whoever opened it. Anything else that Slack tells is ignored.
func (v *visit) appHome(ctx context.Context) {
	e := v.event.Event
	if v.fault != "" || e.Type != "app_home_opened" || (e.Tab != "" && e.Tab != "home") || !roster.IsPerson(e.User.ID) {
		return
	}
	v.at = v.b.o.RealNow()
	v.b.homes.opened(v.b, v.who)
	v.publishHome(ctx, e.User.ID, "")
}

// publishHome publishes somebody's App Home; said is what is answered to a click there.
func (v *visit) publishHome(ctx context.Context, user, said string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), homeTimeout)
	defer cancel()
	blocks := v.homeBlocks(ctx)
	mark := homeMark(blocks)
	if said != "" {
		blocks = append([]slack.Block{draw.Section(draw.Cut(v.b.fill(said), draw.LimitSection)),
			slack.NewDividerBlock()}, blocks...)
		mark = "" // what was said goes with the next change
	}
	v.b.putHome(ctx, user, blocks, mark)
}

// putHome brings a Home to Slack.
func (b *Bot) putHome(ctx context.Context, user string, blocks []slack.Block, mark string) {
	blocks = append(blocks[:min(len(blocks), limitHome-1)], smallPrint("As of "+workflows.When(b.o.Now())+
		". It follows by itself while you look; everything can be typed, too: `"+b.o.Command+" help`."))
	view := slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: blocks}}
	if _, err := b.api.PublishViewContext(ctx, slack.PublishViewContextRequest{UserID: user, View: view}); err != nil {
		b.log.Info().Str(fieldCause, slackapi.Clean(err)).Str(fieldPerson, user).Msg("the App Home was not published")
		return
	}
	b.homes.shown(user, mark)
}

func smallPrint(text string) slack.Block {
	return slack.NewContextBlock("", slack.NewTextBlockObject(slack.MarkdownType, text, false, false))
}

// homeMark tells two contents of a Home apart.
func homeMark(blocks []slack.Block) string {
	raw, err := json.Marshal(blocks)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(raw)
	return string(sum[:])
}

// homeBlocks is one person's Home as things stand, without its small print.
func (v *visit) homeBlocks(ctx context.Context) []slack.Block {
	if err := v.member(ctx); err != nil {
		_, text, _ := v.explain(err)
		return []slack.Block{draw.Section(text)}
	}
	accounts, err := v.b.o.Desk.Accounts(ctx)
	if err != nil {
		_, text, _ := v.explain(err)
		return []slack.Block{draw.Section(text)}
	}
	mine := v.mine(ctx, accounts)
	out := []slack.Block{slack.NewActionBlock(homeBlock, v.homeButtons(mine)...)}
	waiting, err := v.b.o.Desk.WaitingFor(ctx, v.who.user)
	if err != nil {
		_, text, _ := v.explain(err)
		out = append(out, draw.Section("*What waits for you*\n"+text))
	}
	own := func(o workflows.Overview) bool { return o.Machine == "access" && o.Stage == "active" }
	out = append(out, v.homeWaiting(ctx, slices.DeleteFunc(slices.Clone(waiting), own), err == nil)...)
	out = append(out, v.homeAccess(ctx, slices.DeleteFunc(slices.Clone(waiting), func(o workflows.Overview) bool {
		return !own(o)
	}))...)
	open := v.openOf(ctx, accounts)
	out = append(out, v.homeAsked(ctx, open)...)
	out = append(out, v.homeDelegation(ctx)...)
	return append(out, v.homeAccounts(ctx, mine, open)...)
}

// homeWaiting are the cards of what waits for somebody, buttons included, as many as there is room
// for; the rest are lines.
func (v *visit) homeWaiting(ctx context.Context, waiting []workflows.Overview, known bool) []slack.Block {
	if !known {
		return nil
	}
	if len(waiting) == 0 {
		return []slack.Block{draw.Section("*What waits for you*\nNothing. You will get a message when something does.")}
	}
	out := []slack.Block{draw.Section("*" + workflows.Plural(len(waiting), "thing") + " waiting for you*")}
	var rest []workflows.Overview
	for n, o := range waiting {
		card := []slack.Block(nil)
		if len(rest) == 0 {
			card = v.b.ownCard(ctx, o.ID, v.who.user, n+1)
		}
		if card == nil || len(out)+len(card) > homeCards {
			rest = append(rest, o)
			continue
		}
		out = append(out, card...)
	}
	if len(rest) > 0 {
		out = append(out, draw.Section(draw.Cut(strings.Join(v.b.list(ctx, rest, v.who.user), "\n"),
			draw.LimitSection)))
	}
	return append(out, slack.NewDividerBlock())
}

// homeAccess is what somebody has for a time, with its end and the buttons to have it longer or to end it.
func (v *visit) homeAccess(ctx context.Context, active []workflows.Overview) []slack.Block {
	if len(active) == 0 {
		return nil
	}
	out := []slack.Block{draw.Section("*Your access, for a time*")}
	for n, o := range active {
		card, machine, ok, err := v.b.o.Desk.Card(ctx, o.ID, v.who.user)
		if err != nil || !ok || len(out)+2 > homeAccess {
			continue
		}
		text := card.Title
		if len(card.Lines) > 0 {
			text += "\n" + card.Lines[len(card.Lines)-1]
		}
		out = append(out, draw.Section(draw.Cut(v.b.fill(text), draw.LimitSection)))
		if buttons := draw.ButtonBlock(draw.BlockID(machine, card.Round)+"#"+strconv.Itoa(90-n), card.Buttons,
			o.ID, card.Title); buttons != nil {
			out = append(out, buttons)
		}
	}
	return append(out, slack.NewDividerBlock())
}

// homeAsked is what somebody asked for and is not over.
func (v *visit) homeAsked(ctx context.Context, open map[string][]workflows.Overview) []slack.Block {
	var asked []workflows.Overview
	for _, all := range open {
		for _, o := range all {
			if o.AskedBy == v.who.user {
				asked = append(asked, o)
			}
		}
	}
	if len(asked) == 0 {
		return nil
	}
	slices.SortFunc(asked, func(a, b workflows.Overview) int {
		if c := a.Opened.Compare(b.Opened); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	lines := append([]string{"*What you asked for*"}, v.b.list(ctx, asked, v.who.user)...)
	return []slack.Block{draw.Section(draw.Cut(strings.Join(lines, "\n"), draw.LimitSection))}
}

// homeDelegation says who decides in somebody's place, with a button that ends it.
func (v *visit) homeDelegation(ctx context.Context) []slack.Block {
	d, err := v.b.o.Desk.Delegation(ctx, v.who.user)
	if err != nil || d == nil {
		return nil
	}
	text := "*In your place*\n" + workflows.Mention(d.To) + " may decide for you"
	if !d.Until.IsZero() {
		text += ", until " + workflows.Until(d.Until)
	}
	s := draw.Section(text + ". Your own word counts, too.")
	s.BlockID = homeDelegated
	s.Accessory = slack.NewAccessory(draw.Button(workflows.Button{Action: homeUndelegate, Label: "End it"}, homeMachine,
		strings.TrimSpace("the delegation to "+v.b.people.Name(d.To))))
	return []slack.Block{s}
}

// Slack tells that a Home was opened, and not that it was closed. It is taken for open for a while
// after its person opened it or pressed something in it; meanwhile it is made anew when a card of
// theirs changed, and now and then besides, for what another process did. It is published only
// where it says something new.
const (
	homeOpenFor = 10 * time.Minute
	homeLook    = 30 * time.Second // when nothing is heard
	homeSettle  = time.Second      // several changes in a row are one
	maxHomes    = 200              // open at once in this process; the rest are as of when they were opened
)

// openHomes are the Homes that are taken for open.
type openHomes struct {
	mu sync.Mutex
	by map[string]*openHome
}

type openHome struct {
	until  time.Time
	mark   string // of what was published last
	change chan struct{}
}

// opened keeps somebody's Home up to date from now on.
func (h *openHomes) opened(b *Bot, who visitor) {
	h.mu.Lock()
	defer h.mu.Unlock()
	until := b.o.RealNow().Add(homeOpenFor)
	if o := h.by[who.user]; o != nil {
		o.until = until
		return
	}
	if len(h.by) >= maxHomes || b.ending.Load() {
		return
	}
	if h.by == nil {
		h.by = map[string]*openHome{}
	}
	o := &openHome{until: until, change: make(chan struct{}, 1)}
	h.by[who.user] = o
	b.wg.Go(func() { h.follow(b, who, o) })
}

// shown notes what a Home says by now.
func (h *openHomes) shown(user, mark string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if o := h.by[user]; o != nil {
		o.mark = mark
	}
}

// changed says that something of somebody's is new.
func (h *openHomes) changed(user string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if o := h.by[user]; o != nil {
		select {
		case o.change <- struct{}{}:
		default:
		}
	}
}

// follow keeps one Home up to date until it is taken for closed.
func (h *openHomes) follow(b *Bot, who visitor, o *openHome) {
	look := time.NewTicker(homeLook)
	defer look.Stop()
	for {
		wait := time.Duration(0)
		select {
		case <-b.stopping.Done():
			return
		case <-look.C:
		case <-o.change:
			wait = homeSettle
		}
		h.mu.Lock()
		over := !b.o.RealNow().Before(o.until)
		if over {
			delete(h.by, who.user)
		}
		h.mu.Unlock()
		if over {
			return
		}
		select {
		case <-b.stopping.Done():
			return
		case <-time.After(wait):
		}
		b.refreshHome(who, func(mark string) bool {
			h.mu.Lock()
			defer h.mu.Unlock()
			return mark != o.mark
		})
	}
}

// refreshHome publishes somebody's Home where it is new.
func (b *Bot) refreshHome(who visitor, isNew func(mark string) bool) {
	ctx, cancel := context.WithTimeout(b.stopping, homeTimeout)
	defer cancel()
	v := &visit{b: b, arrival: arrival{kind: kindEvent, who: who}, at: b.o.RealNow()}
	blocks := v.homeBlocks(ctx)
	if mark := homeMark(blocks); ctx.Err() == nil && isNew(mark) {
		b.putHome(ctx, who.user, blocks, mark)
	}
}

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
			out = append(out, draw.Button(workflows.Button{Action: b.action, Label: b.label}, homeMachine, ""))
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
