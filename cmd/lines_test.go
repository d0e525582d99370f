package cmd_test

import (
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// widest is how many columns a line of Go may have, a tab counted as four.
const widest = 120

// A sentence that people read stays in one piece, so that it is found by searching for it: string literals may run
// over the edge, and what is between backquotes has lines of its own. Nothing else may.
func TestNoLineOfGoIsWiderThanAScreen(t *testing.T) {
	read := 0
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == ".git" {
			return fs.SkipDir
		}
		if filepath.Ext(path) != ".go" {
			return nil
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		read++
		for line, columns := range wideLines(src) {
			t.Errorf("%s:%d has %d columns besides its string literals; %d are the limit. Break the line, or give "+
				"a part of it a name.", path, line, columns, widest)
		}
		return nil
	})
	if err != nil || read == 0 {
		t.Fatalf("Reading the tree's %d files ended with %v", read, err)
	}
}

func TestAWideLineIsSeenAndALongSentenceIsNot(t *testing.T) {
	long := strings.Repeat("word ", 40)
	for name, c := range map[string]struct {
		src  string
		line int // 0: none is too wide
	}{
		"code":                  {"package p\n\nvar a = b + " + strings.Repeat("c + ", 40) + "d\n", 3},
		"a comment":             {"package p\n\n// " + long + "\n", 3},
		"a comment after code":  {"package p\n\nvar a = 1 // " + long + "\n", 3},
		"a sentence":            {"package p\n\nvar a = \"" + long + "\"\n", 0},
		"a raw string's lines":  {"package p\n\nvar a = `\n" + long + "\n`\n", 0},
		"code beside a literal": {"package p\n\nvar a = f(" + strings.Repeat("c, ", 60) + "\"x\")\n", 3},
		"tabs":                  {"package p\n\n" + strings.Repeat("\t", 30) + "x()\n", 3},
		"just as wide":          {"package p\n// " + strings.Repeat("x", widest-3) + "\n", 0},
	} {
		wide := wideLines([]byte(c.src))
		if _, seen := wide[c.line]; len(wide) > 1 || seen != (c.line > 0) || !seen && len(wide) > 0 {
			t.Errorf("%s: the lines that are too wide are %v, want line %d", name, wide, c.line)
		}
	}
}

// wideLines answers the columns of each line that is wider than allowed, by its number. The contents of string
// literals are not counted.
func wideLines(src []byte) map[int]int {
	columns := map[int]int{}
	for i, line := range strings.Split(string(src), "\n") {
		columns[i+1] = width(line)
	}
	files := token.NewFileSet()
	file := files.AddFile("", files.Base(), len(src))
	var s scanner.Scanner
	s.Init(file, src, nil, scanner.ScanComments)
	for {
		pos, kind, text := s.Scan()
		if kind == token.EOF {
			break
		}
		if kind != token.STRING {
			continue
		}
		first := file.Line(pos)
		for i, part := range strings.Split(text, "\n") {
			columns[first+i] -= width(part)
		}
	}
	for line, n := range columns {
		if n <= widest {
			delete(columns, line)
		}
	}
	return columns
}

func width(s string) int {
	return utf8.RuneCountInString(s) + 3*strings.Count(s, "\t")
}
