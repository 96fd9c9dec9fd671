package main

import (
	cdk "github.com/aws/aws-cdk-go/awscdk/v2"
	iam "github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"
	virtualmfa "github.com/cdk-iam-virtual-mfa/cdk-iam-virtual-mfa-go/cdkiamvirtualmfa"
)

func main() {
	defer jsii.Close()
	app := cdk.NewApp(nil)
	stack := cdk.NewStack(app, jsii.String("BreakGlass"), nil)
	bob := iam.NewUser(stack, jsii.String("Bob"), &iam.UserProps{UserName: jsii.String("Bob")})
	virtualmfa.NewVirtualMfaDevice(stack, jsii.String("BobMfa"), &virtualmfa.VirtualMfaDeviceProps{User: bob})
	app.Synth(nil)
}
