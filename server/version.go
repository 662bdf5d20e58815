package server

import "runtime/debug"

// release is the version of a release, which the linker sets (tools/release). A build of the same commit must not depend on whether a
// repository is around it, so a release does not read it.
var release string

// Version names the build: the release, or the module's version, or "dev" and the commit it was built from.
func Version() string {
	if release != "" {
		return release
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "dev"
	}
	if version := info.Main.Version; version != "" && version != "(devel)" {
		return version
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" && len(setting.Value) >= 12 {
			return "dev-" + setting.Value[:12]
		}
	}
	return "dev"
}
