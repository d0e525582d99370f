package bot

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"path"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

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

// Limits of sending files.
const (
	// exportTimeout bounds making the files of a review and sending them.
	exportTimeout = 2 * time.Minute
	// exportsAtOnce bounds the memory that files being made and sent take.
	exportsAtOnce = 2
)

// exportReview begins to send a review's files to whoever asks. It goes to their direct message,
// for a channel has other readers.
func (v *visit) exportReview(ctx context.Context, account, id string) (workflows.Reply, error) {
	if err := v.mayExport(ctx, account); err != nil {
		return workflows.Reply{}, err
	}
	if v.b.o.Evidence == nil {
		return say("Files of a review are not to be had in Slack in this installation. Ask whoever operates Keyholder for `keyholder review export " + id + "`."), nil
	}
	v.after = func(ctx context.Context) { v.sendEvidence(ctx, id) }
	return say("The files of `" + id +
		"` are being put together. They come as a direct message in a minute; if not, you are told why."), nil
}

// mayExport refuses who may not read an account's record, before anything is said about what there is to export.
func (v *visit) mayExport(ctx context.Context, account string) error {
	me, err := v.person(ctx)
	if err != nil {
		return err
	}
	if !v.b.o.Desk.MayRead(ctx, me, account) {
		return workflows.Refuse("not_reader",
			"The record of that account can be read by its holders, approvers, administrators, auditors and owner. You are none of them. Ask one of them.")
	}
	return nil
}

// later does what a command left for after its answer. The end of Run ends it.
func (v *visit) later(ctx context.Context) {
	if v.after == nil {
		return
	}
	v.b.wg.Go(func() {
		defer func() {
			if p := recover(); p != nil {
				v.b.log.Error().Interface(fieldPanic, p).Bytes("stack",
					debug.Stack()).Msg("what follows a command failed")
			}
		}()
		v.after(ctx)
	})
}

// sendEvidence makes the files of a review and sends them, or tells why that did not work.
func (v *visit) sendEvidence(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(ctx, exportTimeout)
	defer cancel()
	b := v.b
	select {
	case b.exports <- struct{}{}:
		defer func() { <-b.exports }()
	case <-ctx.Done():
		v.tell(ctx, notExported(id), "")
		return
	}
	files, err := b.o.Evidence(ctx, id, v.who.user)
	if err == nil && len(files.Zip) == 0 {
		err = errors.New("make the files: they are empty")
	}
	if err != nil {
		b.log.Warn().Str(fieldCause, slackapi.Clean(err)).Str(fieldWorkflow,
			id).Msg("the files of a review were not made")
		_, text, link := v.explain(err)
		if _, refused := errors.AsType[*workflows.Refusal](err); !refused {
			text = notExported(id)
		}
		v.tell(ctx, text, link)
		return
	}
	if _, err := b.sendFile(ctx, v.who.user, path.Base(cmp.Or(files.Name, id+".zip")), files.Zip,
		"The files of the review `"+
			id+"`. The SHA-256 of manifest.json is `"+files.Manifest+
			"`; it stands in the record and in the channel of the account, too. To check all of it: `python3 verify.txt "+
			files.Manifest+"` in the unpacked folder."); err != nil {
		b.log.Warn().Str(fieldCause, slackapi.Clean(err)).Str(fieldWorkflow,
			id).Msg("the files of a review were not sent")
		text := notExported(id)
		if slackapi.Code(err) == "missing_scope" {
			text = "Slack did not take the files of `" + id +
				"`: Keyholder's app lacks the scope files:write. Ask whoever operates Keyholder to add it and reinstall the app, or for `keyholder review export " + id + "`."
		}
		v.tell(ctx, text, "")
	}
}

func notExported(id string) string {
	return "The files of `" + id +
		"` could not be made or sent. Nothing is lost: try again in a minute, or ask whoever operates Keyholder for `keyholder review export " + id + "`."
}

// sendFile puts a file into a person's direct message, and answers its ID. Source: files.getUploadURLExternal,
// files.completeUploadExternal.
func (b *Bot) sendFile(ctx context.Context, user, name string, content []byte, comment string) (string, error) {
	dm, err := slackapi.RetryLimited(ctx, func(ctx context.Context) (string, error) {
		return b.directMessage(ctx, user)
	})
	if err != nil {
		return "", err
	}
	to, err := slackapi.RetryLimited(ctx, func(ctx context.Context) (*slack.GetUploadURLExternalResponse, error) {
		return b.api.GetUploadURLExternalContext(ctx, slack.GetUploadURLExternalParameters{FileName: name,
			FileSize: len(content)})
	})
	if err != nil {
		return "", fmt.Errorf("ask where a file goes: %w", err)
	}
	if !b.api.Follows(to.UploadURL) {
		return "", errors.New("send a file: the address that came for it is not Slack's")
	}
	_, err = slackapi.RetryLimited(ctx, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, b.api.UploadToURL(ctx, slack.UploadToURLParameters{UploadURL: to.UploadURL, Filename: name,
			Reader: bytes.NewReader(content)})
	})
	if err != nil {
		return "", fmt.Errorf("send a file: %w", err)
	}
	_, err = slackapi.RetryLimited(ctx, func(ctx context.Context) (*slack.CompleteUploadExternalResponse, error) {
		return b.api.CompleteUploadExternalContext(ctx, slack.CompleteUploadExternalParameters{
			Files: []slack.FileSummary{{ID: to.FileID, Title: name}}, Channel: dm, InitialComment: comment})
	})
	if err != nil {
		return "", fmt.Errorf("show a file: %w", err)
	}
	return to.FileID, nil
}
