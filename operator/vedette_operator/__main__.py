from vedette_operator.main import main

main()
