package workflows

import (
	"cmp"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// KeyPolicy is the configuration's key section: the owner's sign-in, taken out and rehearsed.
type KeyPolicy struct {
	For           []TimeBox     `json:"for,omitempty"` // none is for always
	Quorum        int           `json:"quorum"`        // 0: no question before
	ApproveWithin time.Duration `json:"approve_within"`
	ExplainWithin time.Duration `json:"explain_within"`
	AnswerWithin  time.Duration `json:"answer_within"`
	WatchEvery    time.Duration `json:"watch_every"`
	DrillEvery    time.Duration `json:"drill_every"` // 0: only on demand
	DrillWithin   time.Duration `json:"drill_within"`
	Turn          time.Duration `json:"turn"`
}

// RecoveryPolicy is the configuration's recovery section. Approvers and IT hold the defaults where
// the file says nothing.
type RecoveryPolicy struct {
	// Approvers and Lists are written like those of [Policy].
	Approvers     []string      `json:"approvers,omitempty"`
	Lists         [][]string    `json:"lists,omitempty"`
	Quorum        int           `json:"quorum"`
	ConfirmWithin time.Duration `json:"confirm_within"`
	Cooldown      time.Duration `json:"cooldown"`
	IT            []string      `json:"it,omitempty"`
	RungWithin    time.Duration `json:"rung_within"`
	RemindEvery   time.Duration `json:"remind_every"`
}

// Conventions are the operator's own texts or links, shown in the documentation.
type Conventions struct {
	Naming string `json:"naming,omitempty"`
	Access string `json:"access,omitempty"`
}

// What a keeper or holder can use, of the owner's sign-in.
const (
	KeyMailbox      = "mailbox"
	KeyPassword     = "password"
	KeySecondFactor = "second_factor"
)

// Proof is that somebody could use a part of the owner's sign-in. How is [Verified] or [Attested].
type Proof struct {
	What   string    `json:"what"`  // one of the Key constants
	Owner  string    `json:"owner"` // the owner's address that it opens
	Person string    `json:"person"`
	How    string    `json:"how"`
	At     time.Time `json:"at"`
	By     string    `json:"by"` // the workflow that showed it
}

// KeyWindow is a time in which a sign-in of the owner is expected: a use, or a keeper's turn in a
// drill.
type KeyWindow struct {
	Workflow string    `json:"workflow"`
	Person   string    `json:"person"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to,omitzero"` // zero: it goes on
}

// KeyUse is one use of the owner's sign-in, as the record keeps the last one.
type KeyUse struct {
	Workflow string    `json:"workflow"`
	Person   string    `json:"person"`
	Reason   string    `json:"reason,omitempty"`
	Out      time.Time `json:"out"`
	Until    time.Time `json:"until"`
	Back     time.Time `json:"back,omitzero"`
	Found    string    `json:"found,omitempty"` // planned, emergency, misuse, unexplained
}

// Drill is one drill that ended, as the record keeps the last one.
type Drill struct {
	Workflow string    `json:"workflow"`
	Began    time.Time `json:"began"`
	Ended    time.Time `json:"ended"`
	Outcome  string    `json:"outcome"` // passed, gaps, cancelled
	Gaps     []string  `json:"gaps,omitempty"`
}

// KeyRecord is what an account's record holds of the owner's sign-in.
type KeyRecord struct {
	// Proofs holds the last one for each part, address and person.
	Proofs []Proof `json:"proofs,omitempty"`
	// Windows are the newest, at most [MaxKeyWindows], oldest first.
	Windows []KeyWindow `json:"windows,omitempty"`
	Use     *KeyUse     `json:"use,omitempty"`
	Drill   *Drill      `json:"drill,omitempty"`
	// Drills counts those that began.
	Drills int `json:"drills,omitempty"`
}

// MaxKeyWindows bounds [KeyRecord].Windows. An open one is never dropped.
const MaxKeyWindows = 50

// LockKey is the lock of the one use of an account, LockDrill that of its one drill, LockRecovery
// that of its one recovery.
const (
	LockKey      = "key"
	LockDrill    = "drill"
	LockRecovery = "recovery"
)

// Types of events of an account's record about the owner's sign-in.
const (
	KeyProved  = "key.proved"  // body KeyProofs
	KeyExpects = "key.expects" // body KeyWindow; one of the same workflow, person and beginning is replaced
	KeyUsed    = "key.used"    // body KeyUse; one of the same workflow is replaced
	DrillBegan = "drill.began" // body {}
	DrillEnded = "drill.ended" // body Drill
)

// KeyProofs is the body of [KeyProved].
type KeyProofs struct {
	Proofs []Proof `json:"proofs"`
}

// Proof answers the last proof of a part of the sign-in by a person; the zero Proof means never.
func (k KeyRecord) Proof(what, owner, person string) Proof {
	for _, p := range k.Proofs {
		if p.What == what && p.Person == person && SameEmail(p.Owner, owner) {
			return p
		}
	}
	return Proof{}
}

// PasswordKeepers and SecondFactorKeepers are who can use each: custodians stand for both.
func (a Alias) PasswordKeepers() []string {
	if len(a.Password) > 0 {
		return a.Password
	}
	return a.Custodians
}

// SecondFactorKeepers are who can use the second factor.
func (a Alias) SecondFactorKeepers() []string {
	if len(a.SecondFactor) > 0 {
		return a.SecondFactor
	}
	return a.Custodians
}

// Keepers are all who can use the password or the second factor, in the order of the configuration,
// password before second factor.
func (a Alias) Keepers() []string { return Union(a.PasswordKeepers(), a.SecondFactorKeepers()) }

// applyKey folds the events about the owner's sign-in.
func applyKey(a AccountState, e Event) (AccountState, error) {
	bad := func(err error) (AccountState, error) {
		return a, fmt.Errorf("decode %s: %w", e.Type, err)
	}
	switch e.Type {
	case KeyProved:
		var b KeyProofs
		if err := json.Unmarshal(e.Body, &b); err != nil {
			return bad(err)
		}
		a.Key.Proofs = slices.Clone(a.Key.Proofs)
		for _, p := range b.Proofs {
			a.Key.Proofs = withProof(a.Key.Proofs, p)
		}
	case KeyExpects:
		var b KeyWindow
		if err := json.Unmarshal(e.Body, &b); err != nil {
			return bad(err)
		}
		a.Key.Windows = withWindow(slices.Clone(a.Key.Windows), b)
	case KeyUsed:
		var b KeyUse
		if err := json.Unmarshal(e.Body, &b); err != nil {
			return bad(err)
		}
		if a.Key.Use == nil || a.Key.Use.Workflow == b.Workflow || !b.Out.Before(a.Key.Use.Out) {
			a.Key.Use = &b
		}
	case DrillBegan:
		a.Key.Drills++
	case DrillEnded:
		var b Drill
		if err := json.Unmarshal(e.Body, &b); err != nil {
			return bad(err)
		}
		a.Key.Drill = &b
	}
	return a, nil
}

func withProof(all []Proof, p Proof) []Proof {
	for i, was := range all {
		if was.What == p.What && was.Person == p.Person && SameEmail(was.Owner, p.Owner) {
			if !p.At.Before(was.At) {
				all[i] = p
			}
			return all
		}
	}
	return append(all, p)
}

func withWindow(all []KeyWindow, w KeyWindow) []KeyWindow {
	same := func(x KeyWindow) bool {
		return x.Workflow == w.Workflow && x.Person == w.Person && x.From.Equal(w.From)
	}
	if i := slices.IndexFunc(all, same); i >= 0 {
		all[i] = w
		return all
	}
	all = append(all, w)
	slices.SortStableFunc(all, func(a, b KeyWindow) int { return a.From.Compare(b.From) })
	for len(all) > MaxKeyWindows {
		i := slices.IndexFunc(all, func(x KeyWindow) bool { return !x.To.IsZero() })
		if i < 0 {
			break
		}
		all = slices.Delete(all, i, i+1)
	}
	return all
}

// SignIn is one sign-in of the owner in integrator.io's audit log.
type SignIn struct {
	ID     string    `json:"id"` // the entry's _id
	At     time.Time `json:"at"`
	Source string    `json:"source,omitempty"` // ui or sso
}

// SignIns answers [OpSignIns]: the owner's sign-ins not before [Call].Since, oldest first, each once.
type SignIns struct {
	Since   time.Time `json:"since"`
	Until   time.Time `json:"until"` // when the reading began, by this machine's clock: the next one overlaps it
	Entries []SignIn  `json:"entries,omitempty"`
}

// Mark tells readings with the same entries apart from others; "" for none.
func (s *SignIns) Mark() string {
	if s == nil {
		return ""
	}
	ids := make([]string, len(s.Entries))
	for i, e := range s.Entries {
		ids[i] = e.ID
	}
	return strings.Join(ids, ",")
}

// Kinds of API tokens.
const (
	TokenOfAccount = "account"  // the account's own rights, made by owner or administrator
	TokenOfPerson  = "personal" // the maker's rights, ends with their membership and after 90 days
)

// Token is an API token of an account, without its secret. Source: celigo/ai, managing-api-tokens.
type Token struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Kind    string    `json:"kind"`              // account or personal
	Full    bool      `json:"full,omitempty"`    // full access
	Scope   []string  `json:"scope,omitempty"`   // what a limited one reaches, as "connections: 3", sorted
	Share   string    `json:"share,omitempty"`   // of a personal one: the maker's access record
	Ends    time.Time `json:"ends,omitzero"`     // zero: never
	Revoked bool      `json:"revoked,omitempty"` // it is refused already
	Made    time.Time `json:"made,omitzero"`
}

// Tokens answers [OpTokens], sorted by ID.
type Tokens struct {
	At     time.Time `json:"at"`
	Tokens []Token   `json:"tokens"`
}

// Mark tells lists of different tokens apart.
func (t *Tokens) Mark() string {
	if t == nil {
		return ""
	}
	all := slices.SortedFunc(slices.Values(t.Tokens), func(a, b Token) int { return cmp.Compare(a.ID, b.ID) })
	raw, err := json.Marshal(all)
	if err != nil {
		panic("workflows: a token cannot be encoded: " + err.Error())
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:16])
}

// Letter is a letter by mail: of [OpLetter] to the alias of a drill, with one word for each holder.
// The words are drawn by whoever sends it and kept by nobody;
// the answer carries what each word is compared with.
type Letter struct {
	// Words holds, for each holder's Slack ID, the hash of the word they were sent ([HashWord]).
	Words map[string]WordHash `json:"words"`
}

// Alarm is what [OpAlarmMail] and [OpAlarmHook] bring to the second way beside Slack. ID is the
// effect's; the same may come twice.
type Alarm struct {
	Kind     string    `json:"kind"` // misuse, unknown_sign_in, unexplained_use, ...
	Account  string    `json:"account"`
	Name     string    `json:"name"` // the account's
	Workflow string    `json:"workflow"`
	At       time.Time `json:"at"`
	Text     string    `json:"text"`  // plain text
	Steps    []string  `json:"steps"` // plain text, one thing to do each
}

// WordHash is what a drill's word is compared with. The word itself is kept nowhere but in the
// letter, and is useless once the drill is over.
type WordHash struct {
	Salt   string `json:"salt"` // hexadecimal, 16 random bytes
	Rounds int    `json:"rounds"`
	Hash   string `json:"hash"` // hexadecimal
}

// wordRounds makes guessing a word from its hash slow: some ten milliseconds a try.
const wordRounds = 50_000

// MakeWordHash hashes a word for the holder it was sent to, with a salt of the caller's (16 random
// bytes).
func MakeWordHash(holder, word string, salt []byte) WordHash {
	return WordHash{Salt: hex.EncodeToString(salt), Rounds: wordRounds, Hash: hashWord(holder, word, salt, wordRounds)}
}

// Holds reports whether a word that somebody typed is the one that was sent to this holder: upper
// and lower case, spaces and full stops aside.
func (h WordHash) Holds(holder, typed string) bool {
	salt, err := hex.DecodeString(h.Salt)
	if err != nil || len(salt) == 0 || h.Rounds < 1 || h.Rounds > 10*wordRounds || plainWord(typed) == "" {
		return false
	}
	return hmac.Equal([]byte(hashWord(holder, typed, salt, h.Rounds)), []byte(h.Hash))
}

func plainWord(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(s))
}

func hashWord(holder, word string, salt []byte, rounds int) string {
	key, err := pbkdf2.Key(sha256.New, plainWord(word), append([]byte(holder+"/"), salt...), rounds, sha256.Size)
	if err != nil {
		panic("workflows: a word cannot be hashed: " + err.Error())
	}
	return hex.EncodeToString(key)
}
