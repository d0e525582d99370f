package bot

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/bot/draw"
	"github.com/keyholder/keyholder/bot/slackapi"
	"github.com/keyholder/keyholder/workflows"
)

// Limits of a file in a form.
const (
	// MaxFile is the largest file that is taken from a form, in bytes.
	MaxFile = 5 << 20
	// fileBudget is when, counted from the receipt of the envelope, the file has to be there. The
	// rest of [DeskBudget] is for the record.
	fileBudget = 1500 * time.Millisecond
)

// Refusals of a file, shown at its field.
const (
	textFileLate = "Not recorded: the file could not be read from Slack in time. Send the form again."
	textFileBig  = "Not recorded: the file has more than 5 MB. Give a smaller one, or have whoever operates Keyholder import it on the command line."
	textFileLost = "Not recorded: Slack does not hand the file out. Remove it here, add it again and send the form again."
	textFileMany = "Not recorded: this takes one file. Remove the others and send the form again."
	textFileHost = "Not recorded: the file does not lie at Slack itself, so Keyholder does not fetch it. Save it, add it from your computer and send the form again."
	textNoScope  = "Not recorded: Keyholder's Slack app may not read files (scope files:read). Ask whoever operates Keyholder to add the scope and reinstall the app, or to import the file on the command line."
)

// fetchFiles brings the files of a form into the command's Input, before the record is asked: what
// is decided is then the file itself and not an address whose content could change. The error is a
// refusal at the file's field.
func (v *visit) fetchFiles(ctx context.Context) error {
	if len(v.files) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, max(fileBudget-v.b.o.RealNow().Sub(v.at), time.Millisecond))
	defer cancel()
	blocks := make([]string, 0, len(v.files))
	for block := range v.files {
		blocks = append(blocks, block)
	}
	slices.Sort(blocks)
	for _, block := range blocks {
		f := v.files[block]
		if len(f) > 1 {
			return &workflows.Refusal{Code: "many_files", Text: textFileMany, Field: block}
		}
		content, err := v.b.fetch(ctx, &f[0])
		if err != nil {
			var text fileFault
			if !errors.As(err, &text) {
				text = textFileLate
			}
			v.b.log.Info().Str(fieldCause, slackapi.Clean(err)).Str(fieldCommand, v.cmd.Name).Msg("a file was not read")
			return &workflows.Refusal{Code: "file", Text: string(text), Field: block}
		}
		sum := sha256.Sum256(content)
		v.cmd.Input[block] = string(content)
		v.cmd.Input[block+workflows.FileName] = workflows.Clip(strings.ToValidUTF8(f[0].Name, "�"), draw.LimitID)
		v.cmd.Input[block+workflows.FileHash] = hex.EncodeToString(sum[:])
	}
	return nil
}

// fileFault is the sentence for a file that trying again would not bring.
type fileFault string

func (f fileFault) Error() string { return string(f) }

// fetch reads one file with the bot's token. The address comes with the payload; Slack leaves it
// out where the file is another organisation's.
func (b *Bot) fetch(ctx context.Context, f *wireFile) ([]byte, error) {
	if f.URLDownload == "" && f.URL == "" {
		if err := b.describe(ctx, f); err != nil {
			return nil, err
		}
	}
	if f.Size > MaxFile {
		return nil, fileFault(textFileBig)
	}
	resp, err := b.api.Download(ctx, cmp.Or(f.URLDownload, f.URL))
	if errors.Is(err, slackapi.ErrElsewhere) {
		return nil, fileFault(textFileHost)
	}
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return readFile(resp, f)
}

// readFile judges Slack's answer. Without the scope it answers the page on which people sign in, or sends there.
func readFile(resp *http.Response, f *wireFile) ([]byte, error) {
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	name := strings.ToLower(f.Name)
	page := kind == "text/html" && !strings.HasSuffix(name, ".html") && !strings.HasSuffix(name, ".htm")
	switch {
	case resp.StatusCode >= 300 && resp.StatusCode < 400, resp.StatusCode == http.StatusUnauthorized,
		resp.StatusCode == http.StatusForbidden, resp.StatusCode == http.StatusOK && page:
		return nil, fileFault(textNoScope)
	case resp.StatusCode == http.StatusNotFound, resp.StatusCode == http.StatusGone:
		return nil, fileFault(textFileLost)
	case resp.StatusCode != http.StatusOK:
		return nil, errors.New("read a file: Slack answers " + resp.Status)
	}
	content, err := io.ReadAll(io.LimitReader(resp.Body, MaxFile+1))
	if err != nil {
		return nil, err
	}
	if len(content) > MaxFile {
		return nil, fileFault(textFileBig)
	}
	return content, nil
}

// describe asks Slack for what the payload left out.
func (b *Bot) describe(ctx context.Context, f *wireFile) error {
	info, _, _, err := b.api.GetFileInfoContext(ctx, f.ID, 0, 0)
	switch slackapi.Code(err) {
	case "missing_scope":
		return fileFault(textNoScope)
	case "file_not_found", "file_deleted", "files_not_found":
		return fileFault(textFileLost)
	}
	if err != nil {
		return err
	}
	if info == nil || info.URLPrivateDownload == "" && info.URLPrivate == "" {
		return fileFault(textFileLost)
	}
	f.URLDownload, f.URL, f.Size, f.Name = info.URLPrivateDownload, info.URLPrivate, int64(info.Size),
		cmp.Or(f.Name, info.Name)
	return nil
}
