module pagport

go 1.22
