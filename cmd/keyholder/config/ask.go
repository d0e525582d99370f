package config

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// question is one line of the conversation of keyholder init.
type question struct {
	text    string
	example string              // what an empty answer means; "" is none
	needed  bool                // there is no empty answer, and none to propose: people and addresses are not invented
	rule    func(string) string // says what is wrong with an answer, or nothing
	put     func(string)
	people  bool        // names will do where Slack can be asked
	when    func() bool // whether it is asked at all; nil: it is
}

// Ask asks what keyholder init needs on out and reads one line for each question from in. A wrong
// answer is explained and asked again. When in ends, what was not answered takes the contract's
// example, and Ask says so: that makes init work without a person too. Where members is not nil,
// people may be given by name or address, and it is called once, for the first of them. The error
// is one of reading or writing.
func Ask(in io.Reader, out io.Writer, members func() ([]Member, error)) (Answers, error) {
	a := Example()
	c := &conversation{in: bufio.NewReader(in), out: out, members: members}
	if members != nil {
		c.say("Slack is asked about people: write names, e-mail addresses or IDs, with commas between them.\n")
	}
	c.say("A few questions about the first account. Enter takes the answer in brackets; the file explains the rest.\n\n")
	for _, q := range questions(&a) {
		if q.when == nil || q.when() {
			c.ask(q)
		}
	}
	if c.err != nil {
		return Answers{}, c.err
	}
	if c.ended {
		c.say("\nThe input ended; the other answers are examples, people and addresses among them. Replace them in the file.\n")
	}
	return a, c.err
}

func questions(a *Answers) []question {
	into := func(target *string) func(string) { return func(s string) { *target = s } }
	list := func(target *[]string) func(string) { return func(s string) { *target = words(s) } }
	return []question{
		{text: "A short ID for the account, which people type", example: a.AccountID, rule: ruleAccountID,
			put: into(&a.AccountID)},
		{text: "Its name, as cards show it", example: a.AccountName, rule: ruleName, put: into(&a.AccountName)},
		{text: "Its region: us, eu, au or ca", example: a.Region, rule: ruleRegion, put: into(&a.Region)},
		{text: "The e-mail address that owns it now", needed: true, rule: ruleEmail, put: into(&a.Owner)},
		{text: "The shared mailbox that should own it", needed: true, rule: ruleEmail, put: into(&a.Alias)},
		{text: "Slack IDs of those who can read that mailbox (U... of people, S... of user groups)", needed: true,
			rule: ruleIDs, put: list(&a.Holders), people: true},
		{text: "Which of them can use its password and second factor (empty: not known yet)",
			rule: func(s string) string { return a.ruleCustodians(s) }, put: list(&a.Custodians), people: true},
		{text: "Where that password is kept, as a place and never the password (empty: not known yet)", rule: ruleName,
			put: into(&a.Vault)},
		{text: "Slack IDs of administrators, who may also request and run reviews (empty: none)", rule: ruleIDs,
			put: list(&a.Admins), people: true},
		{text: "ID of the Slack channel for notices and audit checkpoints (empty: none)", rule: ruleChannel,
			put: into(&a.Channel)},
		{text: "Environment variable with the account's API token (empty: none, people do the steps)",
			rule: ruleTokenEnv, put: into(&a.TokenEnv)},
		{text: "How people show who they are before a decision counts: your identity provider's issuer (https://...), " +
			"the word codes for an authenticator app, or both (empty: their Slack session is enough)",
			rule: ruleProof, put: a.putProof},
		{text: "Keyholder's client ID at that provider", example: clientExample, rule: ruleName,
			put: into(&a.ClientID), when: func() bool { return a.Issuer != "" }},
	}
}

// conversation keeps the first error and whether the input has ended.
type conversation struct {
	in    *bufio.Reader
	out   io.Writer
	ended bool
	err   error
	// members asks Slack who is there; nil: only IDs will do. known is what it said.
	members func() ([]Member, error)
	known   []Member
}

func (c *conversation) say(format string, args ...any) {
	if c.err != nil {
		return
	}
	if _, err := fmt.Fprintf(c.out, format, args...); err != nil {
		c.err = fmt.Errorf("write the question: %w", err)
	}
}

func (c *conversation) ask(q question) {
	for c.err == nil && !c.ended {
		if q.example != "" {
			c.say("%s [%s]: ", q.text, q.example)
		} else {
			c.say("%s: ", q.text)
		}
		answer := c.line()
		if answer == "" && q.needed && !c.ended && c.err == nil {
			c.say("  This one is needed: nothing works without it.\n")
			continue
		}
		if answer == "" || c.err != nil {
			return
		}
		problem := ""
		if q.people && c.members != nil {
			answer, problem = c.named(answer)
		}
		if problem == "" {
			problem = q.rule(answer)
		}
		if problem == "" {
			q.put(answer)
			return
		}
		c.say("  That %s\n", problem)
	}
}

// longestAnswer bounds a line, so that a binary stream on standard input does not fill the memory.
const longestAnswer = 4096

func (c *conversation) line() string {
	var line []byte
	for c.err == nil {
		b, err := c.in.ReadByte()
		if errors.Is(err, io.EOF) {
			c.ended = true
			break
		}
		if err != nil {
			c.err = fmt.Errorf("read the answer: %w", err)
			break
		}
		if b == '\n' {
			break
		}
		if len(line) < longestAnswer {
			line = append(line, b)
		}
	}
	return strings.TrimSpace(strings.ToValidUTF8(string(line), ""))
}

// words splits a list as people write it.
func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" ,;\t[]", r) })
}

// The rules of the answers are the rules of the file; the text says what is wrong and what to do.
func ruled(check func(*checker)) string {
	c := &checker{marks: marks{}}
	check(c)
	if len(c.faults) == 0 {
		return ""
	}
	return c.faults[0].Problem + ". " + c.faults[0].Cure
}

func ruleAccountID(s string) string {
	if !accountID.MatchString(s) || len(s) > longestID {
		return fmt.Sprintf("is not an account ID. Use a-z, 0-9 and -, at most %d characters.", longestID)
	}
	return ""
}

func ruleName(s string) string { return ruled(func(c *checker) { c.name("", s) }) }

func ruleRegion(s string) string {
	if !slices.Contains(Regions(), s) {
		return "is not a region. " + choices(Regions())
	}
	return ""
}

func ruleEmail(s string) string   { return ruled(func(c *checker) { c.email("", s) }) }
func ruleChannel(s string) string { return ruled(func(c *checker) { c.channel("", s) }) }
func ruleIDs(s string) string     { return ruled(func(c *checker) { c.ids("", words(s)) }) }

func ruleTokenEnv(s string) string {
	if !variableName.MatchString(s) {
		return "is not the name of an environment variable. Write the name, such as ACME_IO_TOKEN, never the token."
	}
	return ""
}

// byCodes is the answer for one-time codes, clientExample the client ID that the documentation shows.
const (
	byCodes       = "codes"
	clientExample = "keyholder"
)

// ruleProof judges how people show who they are: an issuer, codes, or both.
func ruleProof(s string) string {
	var a Answers
	a.putProof(s)
	more := a.Issuer != "" && !slices.Contains(words(s), a.Issuer)
	for _, w := range words(s) {
		more = more || w != byCodes && w != a.Issuer
	}
	if more || a.Issuer != "" && ruled(func(c *checker) { c.issuer(a.Issuer) }) != "" {
		return "is neither an https address, nor the word " + byCodes + ", nor both."
	}
	return ""
}

// putProof takes such an answer apart.
func (a *Answers) putProof(s string) {
	a.Issuer, a.Codes = "", false
	for _, w := range words(s) {
		if w == byCodes {
			a.Codes = true
		} else {
			a.Issuer = w
		}
	}
}

func (a *Answers) ruleCustodians(s string) string {
	return ruled(func(c *checker) {
		c.ids("", words(s))
		c.custodians("", Alias{Holders: a.Holders, Custodians: words(s)})
	})
}
