package bot

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"

	"github.com/keyholder/keyholder/workflows"
)

// Codes of everything the bot itself tells people that went wrong. The refusals of machines and
// desk bring their own sentences.
const (
	codeUnclear       = "unclear"
	codeAway          = "away"
	codeStale         = "stale_facts"
	codeConflict      = "conflict"
	codeNoWorkflow    = "no_workflow"
	codeNewer         = "unknown_event"
	codeDoubted       = "doubted"
	codeInternal      = "internal"
	codeBusy          = "busy"
	codeStopping      = "stopping"
	codeMalformed     = "malformed"
	codeUnknownButton = "unknown_button"
	codeUnknownForm   = "unknown_form"
	codeBadForm       = "bad_form"
	codeForeign       = "foreign"
	codeGuest         = "guest"
	codeBot           = "bot"
	codeDeactivated   = "deactivated"
	codeInvited       = "invited"
	codeUnknownPerson = "unknown_person"
	codeNoForm        = "form_not_opened"
	codeNoPage        = "page_not_shown"
	codePageMoved     = "page_moved"
	codeFormGone      = "form_gone"
	codeNoSlack       = "slack_away"
	codeRefused       = "refused" // a *workflows.Refusal, whose own code is logged
)

// saying is a sentence in two parts, so that none is left without a next step.
type saying struct {
	what string // what happened, and what was recorded
	next string // what to do
}

// sayings hold every code's words for a click. Those for forms and commands differ in forms and commands only.
var sayings = map[string]saying{
	codeUnclear: {"This click is not confirmed: the record did not answer in time.",
		"Look at the card in a minute; if it does not show your name, click again. Clicking twice counts once."},
	codeAway:     {"The record cannot be reached just now, so nothing was recorded.", "Try again in a minute."},
	codeStale:    {"Slack did not say in time who may decide, so nothing was recorded.", "Try again in a minute."},
	codeConflict: {"Several people changed this at the same moment, and yours did not get through. Nothing was recorded for you.", "Look at the card and try again."},
	codeNoWorkflow: {"There is nothing under that ID, so nothing was recorded.",
		"See what waits for you with `{command} mine`, or start again with `{command} help`."},
	codeNewer: {"This was written by a newer Keyholder than the one that runs now, so nothing was recorded.",
		"Ask whoever operates Keyholder to bring it up to date."},
	codeDoubted: {"Somebody changed in Redis what this is decided on, so nothing was recorded, and nothing is until that is cleared up.",
		"Ask whoever operates Keyholder to run keyholder audit verify."},
	codeInternal: {"Something went wrong. It may not have been recorded.",
		"Look at the card in a minute; if it does not show your name, try again. Should it fail again, give whoever operates Keyholder the reference."},
	codeBusy:     {"Keyholder is busy: nothing was recorded.", "Try again in a minute."},
	codeStopping: {"Keyholder is being restarted: nothing was recorded.", "Try again in a minute."},
	codeMalformed: {"Keyholder cannot read what was pressed, so nothing was recorded.",
		"Use the newest card: `{command} mine` lists what waits for you."},
	codeUnknownButton: {"This Keyholder does not know that button, so nothing was recorded.",
		"`{command} help` lists what it can do."},
	codeUnknownForm: {"This Keyholder does not know that form, so nothing was recorded.",
		"`{command} help` lists what it can do."},
	codeBadForm: {"Keyholder cannot read this form, so nothing was recorded.",
		"Close it and open it again from the card or with `{command} help`."},
	codeForeign: {"You belong to another Slack workspace, so you cannot decide here. Nothing was recorded.",
		"Ask a member of the workspace that this belongs to."},
	codeGuest: {"You are a guest in this workspace, and guests cannot use Keyholder. Nothing was recorded.",
		"Ask a full member of the workspace to do it."},
	codeBot: {"Apps and bots cannot use Keyholder. Nothing was recorded.", "A person has to do it."},
	codeDeactivated: {"Your Slack account is deactivated, so you cannot use Keyholder. Nothing was recorded.",
		"Ask a workspace administrator."},
	codeInvited: {
		"You have not finished signing in to Slack, so you cannot use Keyholder yet. Nothing was recorded.",
		"Accept the invitation to the workspace, then try again."},
	codeUnknownPerson: {"Slack does not know who you are, so nothing was recorded.",
		"Sign in to Slack again, then try again."},
	codeNoForm: {"Slack did not open the form in time. Nothing was recorded.", "Try again."},
	codeNoPage: {
		"Slack did not show the page in time. What you pressed was recorded where it had something to record.",
		"Press again; to be sure, close the form and open it again from the card."},
	codePageMoved: {"The page has moved on meanwhile, so it was not turned again. What was recorded stands.",
		"Press again on the page that is shown now."},
	codeFormGone: {"The form is no longer open, so its next page could not be shown. What was recorded stands.",
		"Open it again from the card."},
	codeNoSlack: {"Slack did not answer Keyholder in time. Nothing was recorded.", "Try again in a minute."},
}

var formSayings = map[string]saying{
	codeUnclear: {"Not confirmed: the record did not answer in time.",
		"Send it again in a minute. Sending twice counts once."},
	codeInternal: {"Something went wrong. It may not have been recorded.",
		"Send it again; sending twice counts once. Should it fail again, give whoever operates Keyholder the reference."},
}

var commandSayings = map[string]saying{
	codeUnclear: {"This is not confirmed: the record did not answer in time.",
		"Try again in a minute. Doing it twice counts once."},
	codeInternal: {"Something went wrong.",
		"Try again. Should it fail again, give whoever operates Keyholder the reference."},
	codeNoWorkflow: {"There is nothing under that ID.",
		"See what is open with `{command} status`, or what waits for you with `{command} mine`."},
}

// standingCodes are the codes of people who may not use Keyholder, by their standing.
var standingCodes = map[string]string{
	workflows.StandingGuest: codeGuest, workflows.StandingBot: codeBot, workflows.StandingDeactivated: codeDeactivated,
	workflows.StandingForeign: codeForeign, workflows.StandingInvited: codeInvited,
	workflows.StandingUnknown: codeUnknownPerson,
}

// withRef are the codes whose sentence carries the log's reference: those where people and log have
// to be brought together.
var withRef = map[string]bool{codeUnclear: true, codeInternal: true}

// codeOf names an error.
func codeOf(err error) string {
	if _, ok := errors.AsType[*workflows.Refusal](err); ok {
		return codeRefused
	}
	if c, ok := errors.AsType[coded](err); ok {
		return string(c)
	}
	switch {
	case errors.Is(err, workflows.ErrAway):
		return codeAway
	case errors.Is(err, workflows.ErrUnclear), errors.Is(err, context.DeadlineExceeded),
		errors.Is(err, context.Canceled):
		return codeUnclear
	case errors.Is(err, workflows.ErrStaleFacts):
		return codeStale
	case errors.Is(err, workflows.ErrConflict):
		return codeConflict
	case errors.Is(err, workflows.ErrNoWorkflow):
		return codeNoWorkflow
	case errors.Is(err, workflows.ErrDoubted):
		return codeDoubted
	case errors.Is(err, workflows.ErrUnknownEvent):
		return codeNewer
	}
	return codeInternal
}

// coded is an error that is nothing but one of the codes.
type coded string

func (c coded) Error() string { return string(c) }

// sentence turns an error into what the person reads, in mrkdwn. It is the only place that does.
// ref goes into the log, too.
func (b *Bot) sentence(kind string, err error, ref string) (code, text string) {
	code = codeOf(err)
	if r, ok := errors.AsType[*workflows.Refusal](err); ok {
		return code, r.Text
	}
	s, ok := sayings[code]
	switch kind {
	case kindSubmit:
		if f, has := formSayings[code]; has {
			s = f
		}
	case kindSlash:
		if f, has := commandSayings[code]; has {
			s = f
		}
	}
	if !ok {
		s = sayings[codeInternal]
	}
	text = s.what + " " + s.next
	if withRef[code] {
		text += " (ref " + ref + ")"
	}
	return code, b.fill(text)
}

// newRef makes a short reference that brings a person's report and the log together.
func newRef() string {
	var raw [2]byte
	_, _ = rand.Read(raw[:]) // crypto/rand never fails
	return hex.EncodeToString(raw[:])
}
