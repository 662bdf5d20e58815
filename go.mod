module github.com/postrider-dev/postrider

go 1.26.0

ignore (
	./node_modules
	./web/node_modules
)
