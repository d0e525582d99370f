package evidence

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/workflows/chain"
	"github.com/keyholder/keyholder/workflows/review"
	"github.com/keyholder/keyholder/workflows/review/population"
)

// Evidence is all that the files handed to an auditor are made of. Packets may be none, while a
// campaign gathers. Chains should hold the campaign's, its packets' and those of the access
// workflows that remedies name.
type Evidence struct {
	Campaign review.CampaignState
	Packets  []review.PacketState
	Chains   []chain.Chain
	// Frozen is the list of each environment ("" is production) as it was frozen; Raw the answers
	// it was read from, in order; Handed the files that people brought, oldest first.
	// [Evidence.Unpack] takes all four from the campaign's chain. What was erased is absent.
	Frozen  map[string][]byte
	Tokens  map[string][]byte // the lists of API tokens, as Frozen
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

// Names of the exported files; the first six are part of the contract.
const (
	FilePopulation  = "population.csv"
	FileDecisions   = "decisions.csv"
	FileRemediation = "remediation.csv"
	FileSignoffs    = "signoffs.csv"
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
		FileRemediation: d.remediation(), FileTokens: d.tokens(),
		FileSignoffs: d.signoffs()} {
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

// environmentTitle is an environment for people and files: "" is production.
func environmentTitle(environment string) string {
	return population.Row{Environment: environment}.EnvironmentName()
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
