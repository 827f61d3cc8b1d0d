package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"time"

	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// The one folder that there is.
const root = "/trueup-render"

var errReadOnly = errors.New("nothing is written")

// tree is a file system of files, folders and links to folders, that nobody can write to. Its errors are those of a disk.
type tree struct {
	files   map[string][]byte
	links   map[string]string
	folders map[string][]string
}

var _ filesys.FileSystem = &tree{}

func join(relative string) string {
	return path.Join(root, relative)
}

func newTree(files map[string][]byte, links map[string]string) *tree {
	made := &tree{files: map[string][]byte{}, links: map[string]string{}, folders: map[string][]string{"/": nil}}
	made.add(root)
	made.folders[root] = nil
	for name, content := range files {
		made.files[join(name)] = content
		made.add(join(name))
	}
	for name, target := range links {
		made.links[join(name)] = join(target)
		made.add(join(name))
	}
	for _, names := range made.folders {
		sort.Strings(names)
	}
	return made
}

// add makes a name known in its folder, and that folder in its own.
func (t *tree) add(name string) {
	folder, base := path.Dir(name), path.Base(name)
	_, known := t.folders[folder]
	t.folders[folder] = append(t.folders[folder], base)
	if !known {
		t.add(folder)
	}
}

// resolve follows links, as a kernel does, in a path that is clean.
func (t *tree) resolve(operation, name string) (string, error) {
	clean := name
	if !path.IsAbs(clean) {
		clean = join(clean)
	}
	here := "/"
	for _, part := range strings.Split(path.Clean(clean), "/") {
		if part == "" {
			continue
		}
		if _, isFolder := t.folders[here]; !isFolder {
			return "", &fs.PathError{Op: operation, Path: name, Err: syscall.ENOTDIR}
		}
		next := path.Join(here, part)
		if target, isLink := t.links[next]; isLink {
			next = target
		}
		if !t.has(next) {
			return "", &fs.PathError{Op: operation, Path: name, Err: syscall.ENOENT}
		}
		here = next
	}
	return here, nil
}

func (t *tree) has(real string) bool {
	_, isFile := t.files[real]
	_, isFolder := t.folders[real]
	return isFile || isFolder
}

func (t *tree) IsDir(name string) bool {
	real, err := t.resolve("stat", name)
	if err != nil {
		return false
	}
	_, isFolder := t.folders[real]
	return isFolder
}

func (t *tree) Exists(name string) bool {
	_, err := t.resolve("stat", name)
	return err == nil
}

func (t *tree) ReadFile(name string) ([]byte, error) {
	real, err := t.resolve("open", name)
	if err != nil {
		return nil, err
	}
	content, isFile := t.files[real]
	if !isFile {
		return nil, &fs.PathError{Op: "read", Path: name, Err: syscall.EISDIR}
	}
	return content, nil
}

func (t *tree) ReadDir(name string) ([]string, error) {
	real, err := t.resolve("open", name)
	if err != nil {
		return nil, err
	}
	names, isFolder := t.folders[real]
	if !isFolder {
		return nil, &fs.PathError{Op: "readdirent", Path: name, Err: syscall.ENOTDIR}
	}
	return names, nil
}

func (t *tree) CleanedAbs(name string) (filesys.ConfirmedDir, string, error) {
	real, err := t.resolve("lstat", name)
	if err != nil {
		return "", "", fmt.Errorf("evalsymlink failure on '%s' : %w", name, err)
	}
	if _, isFolder := t.folders[real]; isFolder {
		return filesys.ConfirmedDir(real), "", nil
	}
	return filesys.ConfirmedDir(path.Dir(real)), path.Base(real), nil
}

func (t *tree) Glob(pattern string) ([]string, error) {
	var found []string
	for name := range t.names() {
		matched, err := filepath.Match(pattern, name)
		if err != nil {
			return nil, err
		}
		if matched {
			found = append(found, name)
		}
	}
	sort.Strings(found)
	if filesys.IsHiddenFilePath(pattern) {
		return found, nil
	}
	return filesys.RemoveHiddenFiles(found), nil
}

func (t *tree) names() map[string]bool {
	all := map[string]bool{}
	for name := range t.files {
		all[name] = true
	}
	for name := range t.folders {
		all[name] = true
	}
	return all
}

func (t *tree) Walk(name string, visit filepath.WalkFunc) error {
	real, err := t.resolve("lstat", name)
	if err != nil {
		return visit(name, nil, err)
	}
	return t.walk(name, real, visit)
}

func (t *tree) walk(name, real string, visit filepath.WalkFunc) error {
	names, isFolder := t.folders[real]
	err := visit(name, info{path.Base(name), int64(len(t.files[real])), isFolder}, nil)
	if err != nil || !isFolder {
		if isFolder && errors.Is(err, filepath.SkipDir) {
			return nil
		}
		return err
	}
	for _, each := range names {
		inner := path.Join(real, each)
		if _, isLink := t.links[inner]; isLink {
			continue
		}
		if err := t.walk(path.Join(name, each), inner, visit); err != nil {
			if errors.Is(err, filepath.SkipDir) {
				return nil
			}
			return err
		}
	}
	return nil
}

func (t *tree) Create(string) (filesys.File, error) { return nil, errReadOnly }
func (t *tree) Open(string) (filesys.File, error)   { return nil, errReadOnly }
func (t *tree) Mkdir(string) error                  { return errReadOnly }
func (t *tree) MkdirAll(string) error               { return errReadOnly }
func (t *tree) RemoveAll(string) error              { return errReadOnly }
func (t *tree) WriteFile(string, []byte) error      { return errReadOnly }

// info is what a walk says of a name.
type info struct {
	name     string
	size     int64
	isFolder bool
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return i.isFolder }
func (i info) Sys() any           { return nil }
func (i info) Mode() fs.FileMode {
	if i.isFolder {
		return fs.ModeDir | 0o700
	}
	return 0o600
}
