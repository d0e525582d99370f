package config

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// deepest is how deep lists and groups may be nested. The configuration needs 6; the parser calls itself per
// level, and a stack that overflows cannot be recovered from.
const deepest = 64

// document reads the file as YAML: the one document's top node, or the fault that stops everything.
func document(data []byte) (node ast.Node, fault *Fault) {
	data = lineFeeds(bytes.TrimPrefix(data, byteOrderMark))
	if fault := unreadable(data); fault != nil {
		return nil, fault
	}
	// The parser belongs to others and is given whatever a file holds: a panic there is a fault of the file.
	defer func() {
		if r := recover(); r != nil {
			node, fault = nil, &Fault{Line: 1, Column: 1, Problem: "The file is not YAML that can be read",
				Cure: "Compare it with what keyholder init writes."}
		}
	}()
	tokens := lexer.Tokenize(string(data))
	if fault := tooDeep(tokens); fault != nil {
		return nil, fault
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, syntaxFault(err, data)
	}
	return theDocument(file)
}

// byteOrderMark is what some editors put before UTF-8 text. YAML allows it (section 5.2), and it is
// no part of the first key.
var byteOrderMark = []byte("\xEF\xBB\xBF")

// lineFeeds ends every line with a line feed, as YAML 1.2 reads them (section 5.4), so that lines are counted as
// editors on every system do.
func lineFeeds(data []byte) []byte {
	if bytes.IndexByte(data, '\r') < 0 {
		return data
	}
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(data, []byte("\r"), []byte("\n"))
}

func theDocument(file *ast.File) (ast.Node, *Fault) {
	var bodies []*ast.DocumentNode
	for _, doc := range file.Docs {
		if doc != nil && doc.Body != nil && doc.Body.Type() != ast.CommentType && doc.Body.Type() != ast.DirectiveType {
			bodies = append(bodies, doc)
		}
	}
	if len(bodies) == 0 {
		return nil, emptyFault()
	}
	if len(bodies) > 1 {
		line, column := position(bodies[1].Body)
		return nil, &Fault{Line: line, Column: column, Problem: "A second document begins here",
			Cure: "Keep one document: remove the line --- and what follows, or join the two."}
	}
	body := bodies[0].Body
	if body.Type() == ast.NullType {
		return nil, emptyFault()
	}
	return body, nil
}

func emptyFault() *Fault {
	return &Fault{Line: 1, Column: 1, Problem: "The file is empty", Cure: "Write one with: keyholder init."}
}

// unreadable looks for what makes a file something else than a text.
func unreadable(data []byte) *Fault {
	if len(data) > MaxSize {
		return &Fault{Line: 1, Column: 1, Problem: fmt.Sprintf("The file is larger than %d KiB", MaxSize>>10),
			Cure: "Check that this is the configuration and not another file."}
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return emptyFault()
	}
	for line, text := range bytes.Split(data, []byte("\n")) {
		if !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0 {
			return &Fault{Line: line + 1, Column: 1, Problem: "This line is not text in UTF-8",
				Cure: "Save the file as UTF-8, or check that it is the configuration and not another file."}
		}
	}
	return nil
}

// tooDeep counts what makes the parser call itself: open brackets, and marks that follow each other in a line.
func tooDeep(tokens token.Tokens) *Fault {
	open, line, inLine := 0, 0, 0
	for _, tk := range tokens {
		if tk.Position != nil && tk.Position.Line != line {
			line, inLine = tk.Position.Line, 0
		}
		switch tk.Type {
		case token.SequenceStartType, token.MappingStartType:
			open++
		case token.SequenceEndType, token.MappingEndType:
			open--
		case token.SequenceEntryType, token.MappingKeyType, token.AnchorType, token.TagType:
			inLine++
		}
		if open > deepest || inLine > 4*deepest {
			return &Fault{Line: line, Column: 1, Problem: "Lists and groups are nested too deeply here",
				Cure: "Compare the file with what keyholder init writes."}
		}
	}
	return nil
}

// syntaxFault makes the parser's error a sentence with its line.
func syntaxFault(err error, data []byte) *Fault {
	fault := &Fault{Line: 1, Column: 1}
	message := "it cannot be read"
	var located interface {
		GetMessage() string
		GetToken() *token.Token
	}
	if errors.As(err, &located) {
		message = located.GetMessage()
		if tk := located.GetToken(); tk != nil && tk.Position != nil {
			fault.Line, fault.Column = max(tk.Position.Line, 1), max(tk.Position.Column, 1)
		}
	}
	if secretLike.MatchString(message) { // some of the parser's sentences quote the file
		message = "it cannot be read"
	}
	fault.Problem = "This is not YAML: " + oneLine(message)
	fault.Cure = "Look at this line and the one above: indentation, a missing colon, an open quote or bracket."
	if tabIndented(data, fault.Line) {
		fault.Problem, fault.Cure = "This is not YAML: a tab stands in the indentation", "Indent with spaces."
	}
	return fault
}

// tabIndented says whether the blanks a line begins with hold a tab.
func tabIndented(data []byte, line int) bool {
	all := bytes.Split(data, []byte("\n"))
	if line > len(all) {
		return false
	}
	text := all[line-1]
	blanks := text[:len(text)-len(bytes.TrimLeft(text, " \t"))]
	return bytes.IndexByte(blanks, '\t') >= 0
}

// position of a node: where its first token stands.
func position(node ast.Node) (line, column int) {
	if node == nil {
		return 1, 1
	}
	tk := node.GetToken()
	if m, ok := node.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 && m.Values[0].Key != nil {
		tk = m.Values[0].Key.GetToken()
	}
	if tk == nil || tk.Position == nil {
		return 1, 1
	}
	return max(tk.Position.Line, 1), max(tk.Position.Column, 1)
}
