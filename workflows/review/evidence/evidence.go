package evidence

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows/review"
)

// Evidence is all that the files handed to an auditor are made of. Packets may be none, while a
// campaign gathers. Chains should hold the campaign's, its packets' and those of the access
// workflows that remedies name.
type Evidence struct {
	Campaign review.CampaignState
	Packets  []review.PacketState
	Chains   []Chain
	// Frozen is the list of each environment ("" is production) as it was frozen; Raw the answers
	// it was read from, in order; Handed the files that people brought, oldest first.
	// [Evidence.Unpack] takes all three from the campaign's chain. What was erased is absent.
	Frozen  map[string][]byte
	Raw     map[string][][]byte
	Handed  []Handed
	Version string // of Keyholder
	Made    time.Time
	MadeBy  string
}

// Handed is a file as somebody brought it: a CSV of the Users page of an environment, or what the
// mail system says about an alias.
type Handed struct {
	Environment string
	Alias       string // an address; empty: the file is of an environment
	Name        string // as its owner called it
	Content     []byte
}

// Chain is the hash chain of one record; Kind and ID as in [workflows.Ref].
type Chain struct {
	Kind, ID string
	Links    []Link
}

// Link is one event of a chain. Salt, Digest, Previous and Link are lower-case hexadecimal; Body is
// the exact text that Digest is over. The formula stands in the doc.go of package store and in
// verify.txt of the exported files.
type Link struct {
	Seq      uint64
	Type     string
	At       time.Time // whole milliseconds
	Salt     string
	Digest   string
	Previous string
	Link     string
	Body     []byte
	Erased   bool
}

// Names of the exported files; the first six are part of the contract.
const (
	FilePopulation  = "population.csv"
	FileDecisions   = "decisions.csv"
	FileRemediation = "remediation.csv"
	FileReview      = "review.json"
	FileReport      = "report.html"
	FileManifest    = "manifest.json"
	FileSums        = "SHA256SUMS"
	FileVerify      = "verify.txt"
)

// Files makes the files of an evidence by name; names use "/" and hold neither spaces nor dots at
// their beginning. The same evidence gives the same bytes. It recomputes every chain first and
// fails where one does not hold, for then the files would prove nothing.
func Files(e Evidence) (map[string][]byte, error) {
	for _, c := range e.Chains {
		if err := c.Check(); err != nil {
			return nil, err
		}
	}
	d := newDossier(e)
	files := map[string][]byte{FileVerify: verifyText}
	maps.Copy(files, d.lists)
	var err error
	for name, table := range map[string][][]string{FilePopulation: d.population(), FileDecisions: d.decisions(),
		FileRemediation: d.remediation()} {
		if files[name], err = asCSV(table); err != nil {
			return nil, fmt.Errorf("write %s: %w", name, err)
		}
	}
	if files[FileReview], err = d.json(); err != nil {
		return nil, fmt.Errorf("write %s: %w", FileReview, err)
	}
	if files[FileReport], err = d.report(); err != nil {
		return nil, fmt.Errorf("write %s: %w", FileReport, err)
	}
	files[FileSums] = sumsFile(files)
	if files[FileManifest], err = manifestFile(files); err != nil {
		return nil, fmt.Errorf("write %s: %w", FileManifest, err)
	}
	return files, nil
}

// Sum is a SHA-256, in lower-case hexadecimal.
func Sum(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// sumsFile is what sha256sum -c reads.
func sumsFile(files map[string][]byte) []byte {
	var b bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(&b, "%s  %s\n", Sum(files[name]), name)
	}
	return b.Bytes()
}

func manifestFile(files map[string][]byte) ([]byte, error) {
	m := struct {
		Files map[string]string `json:"files"`
	}{map[string]string{}}
	for name, content := range files {
		m.Files[name] = Sum(content)
	}
	raw, err := json.MarshalIndent(m, "", "  ")
	return append(raw, '\n'), err
}

// BrokenChain says where a chain does not hold.
type BrokenChain struct {
	Kind, ID string
	Seq      uint64 // of the event
	Reason   string
}

// Error names record, event and reason.
func (b *BrokenChain) Error() string {
	return fmt.Sprintf("the chain of %s %s does not hold at event %d: %s", b.Kind, b.ID, b.Seq, b.Reason)
}

// Head is the last link, empty for a chain without events.
func (c Chain) Head() string {
	if len(c.Links) == 0 {
		return ""
	}
	return c.Links[len(c.Links)-1].Link
}

// Erased counts the events whose body was erased.
func (c Chain) Erased() int {
	n := 0
	for _, l := range c.Links {
		if l.Erased {
			n++
		}
	}
	return n
}

// Check recomputes the chain from its first event. The error is a [*BrokenChain].
func (c Chain) Check() error {
	previous := ""
	for i, l := range c.Links {
		seq := uint64(i) + 1
		reason := ""
		digest, err := l.digest()
		switch {
		case l.Seq != seq:
			reason = fmt.Sprintf("it carries the number %d", l.Seq)
		case l.Previous != previous:
			reason = "it does not name the link before"
		case err != nil:
			reason = err.Error()
		case l.follow(c.Kind+"/"+c.ID, digest) != l.Link:
			reason = "its link does not follow from the one before"
		}
		if reason != "" {
			return &BrokenChain{Kind: c.Kind, ID: c.ID, Seq: seq, Reason: reason}
		}
		previous = l.Link
	}
	return nil
}

// digest recomputes H(domain, salt, body); what was erased left only the digest.
func (l Link) digest() ([]byte, error) {
	stored, err := hex.DecodeString(l.Digest)
	if err != nil || len(stored) != sha256.Size {
		return nil, errors.New("its digest is not SHA-256 in hexadecimal")
	}
	if l.Erased {
		if len(l.Body) > 0 || l.Salt != "" {
			return nil, errors.New("it is marked as erased, but has a salt or body")
		}
		return stored, nil
	}
	salt, err := hex.DecodeString(l.Salt)
	if err != nil {
		return nil, errors.New("its salt is not hexadecimal")
	}
	if !bytes.Equal(chainHash([]byte("keyholder event digest 1"), salt, l.Body), stored) {
		return nil, errors.New("its content does not match its digest")
	}
	return stored, nil
}

func (l Link) follow(id string, digest []byte) string {
	previous, err := hex.DecodeString(l.Previous)
	if err != nil {
		return ""
	}
	return hex.EncodeToString(chainHash([]byte("keyholder chain link 1"), previous, []byte(id), eightBytes(l.Seq),
		[]byte(l.Type),
		eightBytes(uint64(l.At.UnixMilli())), digest))
}

// chainHash is SHA-256 over the parts, each behind its length as 8 bytes, big-endian.
func chainHash(parts ...[]byte) []byte {
	h := sha256.New()
	for _, p := range parts {
		h.Write(eightBytes(uint64(len(p))))
		h.Write(p)
	}
	return h.Sum(nil)
}

func eightBytes(n uint64) []byte {
	b := make([]byte, 8)
	for i := range b {
		b[7-i] = byte(n >> (8 * i))
	}
	return b
}

// environmentTitle is an environment for people and files: "" is production.
func environmentTitle(environment string) string {
	return review.Row{Environment: environment}.EnvironmentName()
}

// fileNames gives every environment a name that every file system takes, no two of them alike,
// whatever the configuration calls it.
func fileNames(environments []string) map[string]string {
	names, taken := map[string]string{}, map[string]bool{}
	for _, env := range environments {
		base := fileName(environmentTitle(env))
		name := base
		for n := 2; taken[strings.ToLower(name)]; n++ {
			name = fmt.Sprintf("%s-%d", base, n)
		}
		taken[strings.ToLower(name)] = true
		names[env] = name
	}
	return names
}

// fileName turns a text into a part of a file's name of at most 60 characters.
func fileName(text string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '-'
	}, text)
	return name[:min(len(name), 60)]
}
