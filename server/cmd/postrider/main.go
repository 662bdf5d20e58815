// With the C library's resolver, names would resolve otherwise in the release, which is linked statically, than in other builds.
//
//go:debug netdns=go

// Command postrider is the server (postrider serve) and its command-line client.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() { os.Exit(run()) }

func run() int {
	// A file that may grow no further is an error of the write, not the end of the process.
	signal.Ignore(syscall.SIGXFSZ)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	// A second signal ends the process at once, without a graceful stop.
	context.AfterFunc(ctx, stop)
	return execute(ctx, environment{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, lookup: os.LookupEnv, configFolder: os.UserConfigDir,
	}, os.Args[1:])
}

// execute runs a command line and returns the exit code.
func execute(ctx context.Context, env environment, args []string) int {
	env.stdout, env.stderr = newTerminal(env.stdout), newTerminal(env.stderr)
	command := newCommand(env)
	command.SetArgs(args)
	ran, err := command.ExecuteContextC(ctx)
	if err != nil {
		report(env.stderr, ran, err)
	}
	return exitCode(err)
}
